// The arithmetic of a micro-batch in floating-point operations; a multiplication and an addition are two.
#pragma once

#include <span>

#include "model/lora_layout.h"

namespace vq {

struct TrainingFlops {
  double base = 0;        // GEMMs with frozen projections, forward and backward
  double other = 0;       // LoRA, attention, logits
  double recomputed = 0;  // forward passes that run again for the backward pass
};

// As Decoder and DecoderBackward do them. Window i has tokens[i] rows; the last targets[i] of them are targets.
// recompute_layers: see vq_train_limits.
TrainingFlops training_flops(const ModelConfig& config, const LoraLayout& lora, int recompute_layers,
                             std::span<const int64_t> tokens, std::span<const int64_t> targets);

// Layers, from the first on, whose forward pass runs a second time. The last of those that share buffers is still in
// them, and the model's last layer always has buffers of its own.
int recomputed_layers(int layers, int recompute_layers);

}  // namespace vq
