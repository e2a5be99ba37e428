// Operands of products with weights of WeightFormat::fp8_gemm, rounded to e4m3 row by row as ops.h says, and what
// is left to do around a product of codes.
#pragma once

#include "ops/cuda/stream.h"
#include "ops/tensor.h"

namespace vq::cuda {

// codes [rows, cols], scales [rows]: those of x, cols a multiple of 8, its columns multiplied by columns[col] first
// when there are any.
void round_to_codes(Stream stream, uint8_t* codes, float* scales, const Tensor& x, const float* columns);
// y = the values of those codes; y has x's shape.
void round_to_fp8(Stream stream, const Tensor& y, const Tensor& x, const float* columns);

// turned [k, n] = the codes [n, k], turned; n and k are multiples of 4.
void turn_codes(Stream stream, uint8_t* turned, const uint8_t* codes, int64_t n, int64_t k);

// y = sums rows[row] columns[col] (+ add), all of one shape; columns may be missing.
void scale_sums(Stream stream, const Tensor& y, const Tensor& sums, const float* rows, const float* columns,
                const Tensor* add);

}  // namespace vq::cuda
