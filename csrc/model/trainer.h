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
#include "model/sharded_update.h"

namespace vq {

// A micro-batch as the model reads it. The arrays are contiguous, because they are copied together.
struct BatchArrays {
  BatchArrays() = default;
  BatchArrays(int32_t* memory, const vq_train_limits& limits);
  static int64_t words(const vq_train_limits& limits) { return 2 * limits.max_tokens + 4 * limits.max_targets; }

  int32_t* ids = nullptr;              // [T]
  int32_t* positions = nullptr;        // [T]
  int32_t* target_row = nullptr;       // [R]
  int32_t* target_position = nullptr;  // [R]
  int32_t* target_id = nullptr;        // [R]
  float* target_weight = nullptr;      // [R]
};

// All memory of a trainer.
struct TrainerBuffers {
  TrainerBuffers(Arena& arena, const ModelConfig& config, DType act, const LoraLayout* lora,
                 const vq_train_limits& limits, bool for_training);

  // Each slot's batch: filled on the host, and its copy on the device.
  std::array<BatchArrays, 2> host_batch, device_batch;
  std::array<int32_t*, 2> window_begin;  // [windows + 1] on the host
  float* ones;                           // [R]  target weights of an evaluation
  float* loss;                           // [R]

  std::vector<Activations> layers;  // several layers share buffers where nothing is kept
  Tensor x_out;                     // [R, C] f32  output of the last layer
  Scratch scratch;
  LmHeadBuffers head;
  const float* cos_sin;
  void* lora_cast = nullptr;  // [parameters of a layer] act  if the device does not cast operands
  // For training only:
  GradientBuffers gradients;
  float* adapter_gradient;   // [parameters]
  float* moment1;            // [parameters, or those of a slice]
  float* moment2;            // [the same]
  ShardBuffers shard;        // of several processes
  GradNormState* step;       // [1]
  GradNormState* host_step;  // [1] on the host, of the last update
};

void check(const vq_train_limits& limits);  // throws BadArgument

class Trainer {
 public:
  // comm: the processes to train with; null: none.
  Trainer(const ModelWeights& model, Adapter* adapter, const vq_train_limits& limits, bool for_training,
          Comm* comm = nullptr);

  vq_batch batch(int slot) const;
  // Throws BadArgument for a batch that breaks the header's rules.
  void check_batch(int slot, int32_t windows, int32_t targets) const;

  // Adds gradients and loss of a checked batch. Returns when all of it is queued. With other processes: adds those of a
  // round of batches, of which this process may have none (windows 0).
  void accumulate(int slot, int32_t windows, int32_t targets, uint64_t dropout_seed);
  // Waits until the slot's batch has run. Another thread may queue more meanwhile.
  void wait(int slot) const { device_.wait(*done_[slot]); }
  // Runs steps of all lengths so that the device times its GEMM algorithms. Overwrites the batches and drops the
  // accumulated gradients; trains nothing.
  void tune_gemms();
  // The loss of each target, unweighted, without dropout.
  void evaluate(int slot, int32_t windows, int32_t targets, float* loss);
  // Queues an update. If the loss or the gradient norm is not finite, the parameters stay as they were. Gradients and
  // loss are zeroed either way.
  void begin_update(const vq_update& how);
  // Waits for it and returns whether it took place. Another thread may queue more meanwhile.
  bool end_update(const vq_update& how, vq_update_result& result) const;
  void zero_grad();  // and the loss

  void read_moments(int layer, unsigned target, float* a_m, float* a_v, float* b_m, float* b_v);
  void write_moments(int layer, unsigned target, const float* a_m, const float* a_v, const float* b_m,
                     const float* b_v);
  // Of several processes, rank 0 alone reads moments; the others send them until it has called moments_read.
  void send_moments();
  void moments_read();
  void read_gradients(int layer, unsigned target, float* a, float* b) const;
  void require_training() const;  // throws BadArgument
  bool sharded() const { return shard_ != nullptr; }

 private:
  // Copies the slot's batch to the device and makes the attention plans.
  ForwardPass prepare(int slot, int32_t windows, int32_t targets);
  void forward(const ForwardPass& pass, const int32_t* ids);
  void losses(const BatchArrays& batch, int32_t targets, const float* weights, bool gradient);
  void backward(const ForwardPass& pass);
  int32_t fill_dummy_batch(int32_t rows);
  void compute(int slot, int32_t windows, int32_t targets, uint64_t dropout_seed);
  void gather_moments(const LoraLayout::Pair& pair, float* a_m, float* a_v, float* b_m, float* b_v);
  void write_moment(float* moments, int64_t begin, int64_t floats, const float* values);

  Device& device_;
  const ModelWeights& model_;
  Adapter* adapter_;
  vq_train_limits limits_;
  bool for_training_;
  Arena arena_;
  TrainerBuffers b_;
  std::unique_ptr<TrainableLora> lora_;
  Decoder decoder_;
  LmHead head_;
  std::unique_ptr<DecoderBackward> decoder_backward_;
  std::unique_ptr<ShardedUpdate> shard_;
  uint32_t flags_ = 0;  // of the last update, of all processes

  std::array<std::unique_ptr<Event>, 2> done_;  // each slot's last batch has run
  std::unique_ptr<Event> updated_;

  // Refilled for each micro-batch.
  AttentionPlanBuilder plan_, out_plan_;
};

}  // namespace vq
