// The stand-in for cuBLASLt and its settings for tests.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "ops/cuda/gemm.h"

namespace cuda_sim {

struct GemmSettings {
  std::string identity = "GEMMs on the CPU 1";
  vq::cuda::Fp8Gemms fp8_gemms = vq::cuda::Fp8Gemms::scaled;  // claimed
  // GEMMs that it offers no kernel for, that it offers one for but fails to run, and that it runs without their scales.
  using Which = std::function<bool(const vq::cuda::GemmCall&)>;
  Which lacks, fails, ignores_scales;
  // Its algorithms sum in one, two, three and four parts; the cost of each per multiply-add.
  std::array<double, 4> cost = {4, 3, 1, 2};
  int64_t worth_trying = int64_t{1} << 18;  // multiplications
  int runs = 0;                             // GEMMs that were run
};
GemmSettings& gemm_settings();

}  // namespace cuda_sim
