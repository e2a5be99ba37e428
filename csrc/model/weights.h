// The frozen weights of a Qwen3 model on a device.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "model/arena.h"
#include "model/config.h"
#include "ops/pool.h"

namespace vq {

struct LayerWeights {
  // Projections that share an input are one weight; see Input in config.h. [projected, in]
  std::unique_ptr<Weight> qkv;      // [(H + 2G) D, C], not in the last layer
  std::unique_ptr<Weight> query;    // [H D, C], in the last layer only
  std::unique_ptr<Weight> kv;       // [2 G D, C], in the last layer only
  std::unique_ptr<Weight> o;        // [C, H D]
  std::unique_ptr<Weight> gate_up;  // [2F, C]
  std::unique_ptr<Weight> down;     // [C, F]
  const float* attention_norm;      // [C]
  const float* mlp_norm;            // [C]
  const float* query_norm;          // [D]
  const float* key_norm;            // [D]
};

class ModelWeights {
 public:
  ModelWeights(Device& device, const ModelConfig& config, DType compute);

  // Borrows the data for the lifetime of this object. Throws BadArgument.
  void set_tensor(vq_tensor_kind kind, int layer, const void* data, DType dtype, int64_t rows, int64_t cols);
  void finish(bool for_training);
  void require_finished() const;

  Device& device() const { return device_; }
  const ModelConfig& config() const { return config_; }
  DType compute() const { return compute_; }
  bool for_training() const { return for_training_; }
  const LayerWeights& layer(int i) const { return layers_[i]; }
  const Weight& embedding() const { return *embedding_; }
  const Weight& output() const { return output_ ? *output_ : *embedding_; }
  const float* final_norm() const { return final_norm_; }

  // What the weights of such a model will take.
  static WeightBytes count_bytes(const MemoryNeeds& needs, const ModelConfig& config, DType file, DType compute,
                                 bool for_training);

 private:
  struct FileTensor {
    const void* data;
    DType dtype;
    int64_t rows, cols;
  };
  const FileTensor& tensor(vq_tensor_kind kind, int layer) const;
  const float* upload_norm(vq_tensor_kind kind, int layer);
  void require_finite(vq_tensor_kind kind, int layer, Pool& threads) const;

  Device& device_;
  ModelConfig config_;
  DType compute_;
  bool finished_ = false;
  bool for_training_ = false;
  std::map<std::pair<int, int>, FileTensor> tensors_;  // by kind and layer
  Arena arena_;                                        // of the norms
  std::vector<LayerWeights> layers_;
  std::unique_ptr<Weight> embedding_, output_;
  const float* final_norm_ = nullptr;
};

}  // namespace vq
