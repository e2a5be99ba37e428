// The stand-in for cuBLASLt, as tests may set it.
#pragma once

#include <array>
#include <string>

#include "ops/cuda/gemm.h"

namespace cuda_sim {

struct ProductSettings {
  std::string identity = "products on the CPU 1";
  vq::cuda::Fp8Gemms fp8_gemms = vq::cuda::Fp8Gemms::scaled;
  // Its algorithms sum in one part, in two, three and four; what each takes for a multiplication.
  std::array<double, 4> cost = {4, 3, 1, 2};
  int64_t worth_trying = int64_t{1} << 18;  // multiplications
  int runs = 0;                             // products that were run
};
ProductSettings& product_settings();

}  // namespace cuda_sim
