// Training and evaluation on packed micro-batches.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "model/attention_plan.h"
#include "model/buffers.h"
#include "model/decoder_backward.h"
#include "model/decoder_forward.h"
#include "model/lm_head.h"
#include "model/lora.h"

namespace vq {

// A micro-batch as the model reads it, its arrays one behind the other: they are sent together.
struct BatchRows {
  BatchRows() = default;
  BatchRows(int32_t* memory, const vq_train_limits& limits);
  static int64_t words(const vq_train_limits& limits) { return 2 * limits.max_tokens + 4 * limits.max_targets; }

  int32_t* ids = nullptr;              // [T]
  int32_t* positions = nullptr;        // [T]
  int32_t* target_row = nullptr;       // [R]
  int32_t* target_position = nullptr;  // [R]
  int32_t* target_id = nullptr;        // [R]
  float* target_weight = nullptr;      // [R]
};

// All memory that a trainer takes.
struct TrainerBuffers {
  TrainerBuffers(Memory& memory, Device& device, const Shape& shape, DType act, const AdapterLayout* adapter,
                 const vq_train_limits& limits, bool for_training);

  // Of each slot: what is filled, on the host, and where it is sent.
  std::array<BatchRows, 2> filled, sent;
  std::array<int32_t*, 2> window_begin;  // [windows + 1] on the host
  float* ones;                           // [R]  weights of an evaluation
  float* loss;                           // [R]

  std::vector<Activations> layers;  // views of shared buffers where nothing is kept
  Tensor x_out;                     // [R, C] f32  output of the last layer
  Scratch scratch;
  HeadBuffers head;
  const float* cos_sin;
  Gradients gradients;              // of training, like all that follows
  void* adapter_rounded = nullptr;  // [parameters of a layer] act  where the device does not round operands
  float* adapter_gradient;          // [parameters]
  float* moment1;                   // [parameters]
  float* moment2;                   // [parameters]
  GradNormState* step;              // [1]
  GradNormState* step_seen;         // [1] on the host, of the last update
};

void check(const vq_train_limits& limits);  // throws BadArgument

class Trainer {
 public:
  Trainer(const Model& model, Adapter* adapter, const vq_train_limits& limits, bool for_training);

  vq_batch batch(int slot) const;
  // Throws BadArgument for a batch that breaks the header's rules.
  void check_batch(int slot, int32_t windows, int32_t targets) const;

  // Adds gradients and loss of a checked batch. Returns when all of it is queued.
  void accumulate(int slot, int32_t windows, int32_t targets, uint64_t dropout_seed);
  // Until the slot's batch has run. While another thread queues more.
  void wait(int slot) const { device_.wait(*done_[slot]); }
  // Goes through steps of all lengths, for the device to choose how it multiplies. Changes nothing but the batches.
  void tune_gemms();
  // The loss of each target, unweighted, without dropout.
  void evaluate(int slot, int32_t windows, int32_t targets, float* loss);
  // Queues an update; if loss or norm turns out not to be finite it leaves the parameters as they were. Gradients and
  // loss are zeroed either way.
  void begin_update(const vq_update& how);
  // Waits for it, while another thread queues more, and says whether it took place.
  bool end_update(const vq_update& how, vq_update_result& result) const;
  void forget();  // gradients and loss

  void read_moments(int layer, unsigned target, float* a_m, float* a_v, float* b_m, float* b_v) const;
  void write_moments(int layer, unsigned target, const float* a_m, const float* a_v, const float* b_m,
                     const float* b_v);
  void read_gradients(int layer, unsigned target, float* a, float* b) const;
  void require_training() const;  // throws BadArgument

 private:
  // Fills the device's batch and the plans of attention.
  Pass prepare(int slot, int32_t windows, int32_t targets);
  void forward(const Pass& pass, const int32_t* ids);
  void losses(const BatchRows& batch, int32_t targets, const float* weights, bool gradient);
  void backward(const Pass& pass);
  int32_t fill_with_some(int32_t rows);

  Device& device_;
  const Model& model_;
  Adapter* adapter_;
  vq_train_limits limits_;
  bool for_training_;
  Memory memory_;
  TrainerBuffers b_;
  std::unique_ptr<LiveLowRank> low_rank_;
  Layers layers_;
  Head head_;
  std::unique_ptr<Backward> backward_;

  std::array<std::unique_ptr<Event>, 2> done_;  // of each slot's last batch
  std::unique_ptr<Event> updated_;

  // On the host, filled for each micro-batch.
  RowPlan plan_, final_plan_;
};

}  // namespace vq
