// The transformer layers of Qwen3, with LoRA: the backward pass.
#pragma once

#include "model/decoder_forward.h"

namespace vq {

class Backward {
 public:
  // gradient: flat, laid out as the adapter's parameters; sums over micro-batches.
  Backward(const Layers& layers, const LiveLowRank& adapter, const Gradients& gradients, float* gradient)
      : layers_(layers),
        device_(layers.model().device()),
        model_(layers.model()),
        adapter_(adapter),
        g_(gradients),
        gradient_{gradient, DType::f32} {}

  // From the gradient of the layer's output in dx (of the last layer in dx_final) to that of its input in dx, adding to
  // the adapter's. Overwrites a.gate_up. Returns early below the lowest adapted projection of the model, where no
  // gradient is wanted.
  void run(int layer, const Activations& a, const Pass& pass) const;

 private:
  // dx as an operand of products.
  Tensor operand(const Tensor& dx) const;
  // Whether anything at or below what feeds this input is adapted.
  bool wants_gradient_of(int layer, Input input) const;

  void mlp(int layer, const Activations& a, const Tensor& dx, const Pass& pass) const;
  void attention(int layer, const Activations& a, const Tensor& dx, const Pass& pass) const;
  void attention_input(int layer, const Activations& a, const Tensor& dqkv, const Pass& pass) const;
  void final_attention_input(int layer, const Activations& a, const Tensor& dq, const Tensor& dkv,
                             const Pass& pass) const;

  // The adapter's part at one input: the gradients of A and B, and, if dx is not null, that of the input: added to dx,
  // or where there is dropout left to be added by the op that reads dx next. seen: the input as the adapter saw it.
  FusedDropout adapter(int layer, Input input, const Tensor& dy, const Tensor& seen, const Activations& a,
                       const Tensor* dx, const Pass& pass) const;
  // Leaves dz for adapter_input.
  Tensor adapter_parameters(int layer, Input input, const Tensor& dy, const Tensor& seen, const Activations& a) const;
  void adapter_input(const Tensor& d_seen, int layer, Input input, const Tensor& dz, bool accumulate) const;

  const Layers& layers_;
  Device& device_;
  const Model& model_;
  const LiveLowRank& adapter_;
  Gradients g_;
  Flat gradient_;
};

}  // namespace vq
