// Operands of GEMMs with weights of WeightFormat::fp8_gemm, rounded to e4m3 row by row as ops.h specifies, and the
// steps before and after a GEMM on codes.
#pragma once

#include "ops/cuda/stream.h"
#include "ops/tensor.h"

namespace vq::cuda {

// Computes codes [rows, cols] and scales [rows] of x; cols is a multiple of 8. If columns is set, the columns of x are
// multiplied by columns[col] first.
void round_to_codes(Stream stream, uint8_t* codes, float* scales, const Tensor& x, const float* columns);
// y = the dequantized codes; y has x's shape.
void round_to_fp8(Stream stream, const Tensor& y, const Tensor& x, const float* columns);

// transposed [k, n] = the transposed codes [n, k]; n and k are multiples of 4.
void transpose_codes(Stream stream, uint8_t* transposed, const uint8_t* codes, int64_t n, int64_t k);

// y = sums * rows[row] * columns[col] (+ add), all of the same shape; columns can be null.
void scale_sums(Stream stream, const Tensor& y, const Tensor& sums, const float* rows, const float* columns,
                const Tensor* add);

}  // namespace vq::cuda
