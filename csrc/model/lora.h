// LoRA: the adapter's parameters, and its part of a forward pass.
//
//   y[:, columns] += scale * (dropout(x) A^T) B^T
//
// for every adapted projection of an input x. Their A matrices are stacked (lora_layout.h), so z = dropout(x) A^T is
// one GEMM, and so are its gradient and that of x.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "model/arena.h"
#include "model/lora_layout.h"
#include "model/weights.h"

namespace vq {

// The parameters as they are trained: fp32, one flat vector.
class Adapter {
 public:
  Adapter(const ModelWeights& model, const vq_adapter_config& config);
  void write(int layer, unsigned target, const float* a, const float* b);
  void read(int layer, unsigned target, float* a, float* b) const;

  const LoraLayout& layout() const { return layout_; }
  float* parameters() const { return parameters_; }
  const ModelWeights& model() const { return model_; }
  // Changes with the parameters: a copy made at another version is stale.
  uint64_t version() const { return version_; }
  void mark_changed() { version_++; }

 private:
  const ModelWeights& model_;
  LoraLayout layout_;
  Arena arena_;
  float* parameters_;
  uint64_t version_ = 1;
};

// A flat vector of parameters or gradients, or its part from element `first` on.
struct FlatVector {
  void* data;
  DType dtype;
  int64_t first = 0;
};
// A stack of A matrices, and a B matrix, in it.
Tensor stacked_a(const FlatVector& flat, const LoraLayout& layout, int layer, const LoraGroup& group);  // [ranks, in]
Tensor matrix_b(const FlatVector& flat, const LoraLayout& layout, int layer, const LoraPart& part);     // [out, r]

// What a forward pass needs of an adapter.
class Lora {
 public:
  virtual ~Lora() = default;
  virtual const LoraLayout& layout() const = 0;
  // z = x A^T, [rows, ranks]. The backward pass needs z again.
  virtual void down_project(const Tensor& z, const Tensor& x, int layer, Input input) const = 0;
  // y[:, columns] += scale * z B^T for every adapted projection of the input.
  virtual void up_project(const Tensor& y, const Tensor& z, int layer, Input input) const = 0;
};

// Reads the adapter's current parameters: for training. cast: memory for one layer's parameters in the compute type,
// on devices whose GEMMs take operands of that type only (Capabilities::casts_operands); else null.
class TrainableLora final : public Lora {
 public:
  TrainableLora(Device& device, const Adapter& adapter, DType compute, void* cast)
      : device_(device), adapter_(adapter), compute_(compute), cast_(cast) {}
  const LoraLayout& layout() const override { return adapter_.layout(); }
  // The layer's parameters as GEMM operands. Valid until another layer's are asked for.
  FlatVector operands(int layer) const;
  void down_project(const Tensor& z, const Tensor& x, int layer, Input input) const override;
  void up_project(const Tensor& y, const Tensor& z, int layer, Input input) const override;

 private:
  Device& device_;
  const Adapter& adapter_;
  DType compute_;
  void* cast_;
  mutable int cast_layer_ = -1;
  mutable uint64_t cast_version_ = 0;
};

// A copy in the device's own weight layout with the scale folded into B: for decoding at memory speed.
class PackedLora final : public Lora {
 public:
  PackedLora(Device& device, const Adapter& adapter, DType compute);
  const LoraLayout& layout() const override { return layout_; }
  void down_project(const Tensor& z, const Tensor& x, int layer, Input input) const override;
  void up_project(const Tensor& y, const Tensor& z, int layer, Input input) const override;
  static size_t count_bytes(const MemoryNeeds& needs, const LoraLayout& layout, int layers, DType compute);

 private:
  struct Group {
    std::unique_ptr<Weight> a;
    std::array<std::unique_ptr<Weight>, 3> b;
  };
  Device& device_;
  LoraLayout layout_;
  std::vector<std::array<Group, input_count>> layers_;
};

}  // namespace vq
