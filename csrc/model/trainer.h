// Training and evaluation on packed micro-batches.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "model/adapter.h"
#include "model/backward.h"
#include "model/buffers.h"
#include "model/forward.h"
#include "model/head.h"
#include "model/rows.h"

namespace vq {

// All memory that a trainer takes.
struct TrainerBuffers {
  TrainerBuffers(Memory& memory, Device& device, const Shape& shape, DType act, const AdapterLayout* adapter,
                 const vq_train_limits& limits, bool for_training);

  std::array<vq_batch, 2> batches;  // on the host
  // The running micro-batch on the device.
  int32_t* ids;              // [T]
  int32_t* positions;        // [T]
  int32_t* target_row;       // [R]
  int32_t* target_position;  // [R]
  int32_t* target_id;        // [R]
  float* target_weight;      // [R]
  float* loss;               // [R]

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
  double* sum_of_squares;           // [1]
};

void check(const vq_train_limits& limits);  // throws BadArgument

class Trainer {
 public:
  Trainer(const Model& model, Adapter* adapter, const vq_train_limits& limits, bool for_training);

  const vq_batch& batch(int slot) const { return b_.batches[slot]; }
  // Throws BadArgument for a batch that breaks the header's rules.
  void check_batch(int slot, int32_t windows, int32_t targets) const;

  // Adds gradients and loss of a checked batch.
  void accumulate(int slot, int32_t windows, int32_t targets, uint64_t dropout_seed);
  // The loss of each target, unweighted, without dropout.
  void evaluate(int slot, int32_t windows, int32_t targets, float* loss);
  // False if loss or norm is not finite: then the parameters are as before. Gradients and loss are zeroed either way.
  bool update(const vq_update& how, vq_update_result& result);
  void forget();  // gradients and loss

  void read_moments(int layer, unsigned target, float* a_m, float* a_v, float* b_m, float* b_v) const;
  void write_moments(int layer, unsigned target, const float* a_m, const float* a_v, const float* b_m,
                     const float* b_v);
  void read_gradients(int layer, unsigned target, float* a, float* b) const;
  void require_training() const;  // throws BadArgument

 private:
  // Fills the device's batch and the plans of attention.
  Pass prepare(int slot, int32_t windows, int32_t targets, const float* weights);
  void forward(const Pass& pass);
  void losses(int32_t targets, bool gradient);
  void backward(const Pass& pass);
  double gradient_norm(double normaliser);

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
  double loss_sum_ = 0;

  // On the host, filled for each micro-batch.
  RowPlan plan_, final_plan_;
  std::vector<int32_t> positions_, target_positions_;
  std::vector<float> ones_, host_loss_;
};

}  // namespace vq
