// A LoRA adapter: its parameters, and its part of the forward and backward pass.
//
//   y[:, columns] += scale * (dropout(x) A^T) B^T
//
// for every projection that reads x. The A matrices of those are stacked (AdapterLayout), so z = dropout(x) A^T, its
// gradient and that of x are one product each.
#pragma once

#include <memory>
#include <vector>

#include "model/arena.h"
#include "model/weights.h"

namespace vq {

// The parameters as they are trained: fp32, one flat vector laid out by AdapterLayout.
class Adapter {
 public:
  Adapter(const Model& model, const vq_adapter_config& config);
  void write(int layer, unsigned target, const float* a, const float* b);
  void read(int layer, unsigned target, float* a, float* b) const;

  const AdapterLayout& layout() const { return layout_; }
  float* parameters() const { return parameters_; }
  // Whoever changes the parameters says so; whoever holds a copy sees it by this count.
  void changed() { changes_++; }
  uint64_t changes() const { return changes_; }
  const Model& model() const { return model_; }

 private:
  const Model& model_;
  AdapterLayout layout_;
  Memory memory_;
  float* parameters_;
  uint64_t changes_ = 1;
};

// A flat vector of parameters or gradients, laid out by AdapterLayout, or its part from element `first` on.
struct Flat {
  void* data;
  DType dtype;
  int64_t first = 0;
};
// A stack of A and a B inside of it.
Tensor stacked_a(const Flat& flat, const AdapterLayout& layout, int layer, const AdapterGroup& group);  // [ranks, in]
Tensor matrix_b(const Flat& flat, const AdapterLayout& layout, int layer, const AdapterPart& part);     // [out, r]

// What a forward pass needs of an adapter.
class LowRank {
 public:
  virtual ~LowRank() = default;
  virtual const AdapterLayout& layout() const = 0;
  // z = x A^T, [rows, ranks], kept for the backward pass.
  virtual void reduce(const Tensor& z, const Tensor& x, int layer, Input input) const = 0;
  // y[:, columns] += scale * z B^T for every adapted projection of the input.
  virtual void expand(const Tensor& y, const Tensor& z, int layer, Input input) const = 0;
};

// The adapter as it is now, for training. rounded: memory for the parameters of one layer as operands of products, for
// devices that want them rounded (casts_operands() of ops.h); else null.
class LiveLowRank final : public LowRank {
 public:
  LiveLowRank(Device& device, const Adapter& adapter, DType compute, void* rounded)
      : device_(device), adapter_(adapter), compute_(compute), rounded_(rounded) {}
  const AdapterLayout& layout() const override { return adapter_.layout(); }
  static int64_t rounded_floats(const AdapterLayout& layout) { return layout.layer_offset(1); }
  // The layer's parameters as operands, until those of another layer are asked for.
  Flat operands(int layer) const;
  void reduce(const Tensor& z, const Tensor& x, int layer, Input input) const override;
  void expand(const Tensor& y, const Tensor& z, int layer, Input input) const override;

 private:
  Device& device_;
  const Adapter& adapter_;
  DType compute_;
  void* rounded_;
  mutable int rounded_layer_ = -1;
  mutable uint64_t seen_ = 0;  // changes of the adapter
};

// A copy in the device's own layout, scale folded into B: for decoding at the speed of memory.
class PreparedLowRank final : public LowRank {
 public:
  PreparedLowRank(Device& device, const Adapter& adapter, DType compute);
  const AdapterLayout& layout() const override { return layout_; }
  void reduce(const Tensor& z, const Tensor& x, int layer, Input input) const override;
  void expand(const Tensor& y, const Tensor& z, int layer, Input input) const override;
  static size_t plan(const Device& device, const AdapterLayout& layout, int layers, DType compute);

 private:
  struct Group {
    std::unique_ptr<Weight> a;
    std::array<std::unique_ptr<Weight>, 3> b;
  };
  Device& device_;
  AdapterLayout layout_;
  std::vector<std::array<Group, input_count>> layers_;
};

}  // namespace vq
