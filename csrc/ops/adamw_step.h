// The coefficients of an AdamW step, which do not depend on the parameters. No library headers: kernels of every
// instruction set include this (ops/cpu/kernels.h). adamw_step() in ops.h computes them.
#pragma once

namespace vq {

struct AdamWStep {
  float decay;  // 1 - learning_rate * weight_decay
  float beta1, beta2;
  float step_size;   // learning_rate / (1 - beta1^step)
  float root_scale;  // 1 / sqrt(1 - beta2^step)
  float epsilon;
};

}  // namespace vq
