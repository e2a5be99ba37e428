// The decoder layers of Qwen3 with LoRA: the backward pass.
#pragma once

#include "model/decoder_forward.h"

namespace vq {

class DecoderBackward {
 public:
  // gradient: flat, laid out as the adapter's parameters. sums: it sums over micro-batches. Otherwise it is that of one
  // micro-batch, and that of B is not scaled yet: see Ops::fold.
  DecoderBackward(const Decoder& decoder, const TrainableLora& lora, const GradientBuffers& buffers, float* gradient,
                  bool sums)
      : decoder_(decoder),
        device_(decoder.model().device()),
        model_(decoder.model()),
        lora_(lora),
        g_(buffers),
        gradient_{gradient, DType::f32},
        sums_(sums) {}

  // From the gradient of the layer's output in dx (dx_out for the last layer) to that of its input in dx; adds to the
  // adapter's gradient. Overwrites a.gate_up. Stops below the model's lowest adapted projection, where no gradient is
  // needed.
  void run(int layer, const Activations& a, const ForwardPass& pass) const;

 private:
  // dx as a GEMM operand: itself, or where devices do not cast operands its copy in g_.cast. That is current after
  // rms_norm_backward, which writes both.
  Tensor operand(const Tensor& dx, bool current) const;
  // For rms_norm_backward: where `rows` rows of dx are cast to; empty if they are not.
  Tensor cast_to(int64_t rows) const { return g_.cast.cols ? g_.cast.row_range(0, rows) : Tensor{}; }
  bool needs_gradient(int layer, Input input) const { return lora_.layout().needs_gradient(layer, input); }

  // Through y = x W^T + the adapter's part: dx, if a gradient is needed below, and the gradients of A and B. x: the
  // input as the adapter saw it; empty if the input is not adapted. With dropout the adapter's part of dx is returned,
  // to be added by the op that reads dx next.
  FusedDropout project(const Tensor& dx, const Tensor& dy, const Weight& w, const Tensor& x, int layer, Input input,
                       const LayerView& v, const ForwardPass& pass) const;
  // Through q, k, v = n W^T and n = rms_norm(x), adding to dx.
  void project_qkv(int layer, const Tensor& dqkv, const LayerView& v, const ForwardPass& pass) const;
  // The same in the last layer, where queries have R rows and keys and values T.
  void project_last_qkv(int layer, const Tensor& dq, const Tensor& dkv, const LayerView& v,
                        const ForwardPass& pass) const;

  // Adds to the gradients of A and B, or sets them, and returns dz.
  Tensor lora_parameters(int layer, Input input, const Tensor& dy, const Tensor& x, const Activations& a) const;
  // dx (+)= dz A
  void lora_input(const Tensor& dx, int layer, Input input, const Tensor& dz, bool accumulate) const;

  const Decoder& decoder_;
  Device& device_;
  const ModelWeights& model_;
  const TrainableLora& lora_;
  GradientBuffers g_;
  FlatVector gradient_;
  bool sums_;
};

}  // namespace vq
