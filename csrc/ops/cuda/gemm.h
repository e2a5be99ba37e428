// Products of matrices: cuBLASLt's (gemm_cublaslt.cpp); in the tests a plain one in its place
// (tests/cuda_on_cpu/gemm.cpp).
#pragma once

#include <memory>

#include "ops/cuda/stream.h"
#include "ops/ops.h"

namespace vq::cuda {

// d = alpha op(a) op(b) + (c when there is one). Row-major; op transposes. a and b are both f32 or both bf16, c and d
// both f32, or both bf16 when a and b are. c may be d. Sums run in f32.
struct Product {
  Tensor d, a, b;
  const Tensor* c = nullptr;
  bool transpose_a = false, transpose_b = false;
  float alpha = 1;
};

class Gemm {
 public:
  virtual ~Gemm() = default;
  virtual void multiply(const Product& product, Stream stream) = 0;
  virtual size_t workspace_bytes() const = 0;
};

// For the card in use. Throws Error when the library is missing.
std::unique_ptr<Gemm> make_gemm();

}  // namespace vq::cuda
