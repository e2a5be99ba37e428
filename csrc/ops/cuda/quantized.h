// Frozen matrices as GEMM operands: plain, or quantized as ops/weight.h defines the formats. For many rows, quantized
// matrices are dequantized tile by tile; for a few rows, their codes are read directly.
#pragma once

#include <cstdint>
#include <iterator>

#include "ops/cuda/stream.h"
#include "ops/nf4_tables.h"
#include "ops/weight.h"

namespace vq::cuda {

// A matrix [rows, k] on the GPU.
struct WeightMatrix {
  WeightFormat format = WeightFormat::plain;
  Tensor plain;                          // plain matrices; for quantized ones only the shape
  const uint8_t* codes = nullptr;        // int8 and fp8: one per element; nf4: two per byte
  const float* scales = nullptr;         // int8 and fp8: one per row, null: all 1; nf4: one per 256 blocks
  const uint8_t* block_codes = nullptr;  // nf4: one per block of 64
  float block_mean = 0;                  // nf4
  const float* tables = nullptr;         // nf4: values of the codes, then of the block codes
};
constexpr int kNf4Codes = std::size(kNf4Table), kNf4Maxima = std::size(DynamicMap{}.value);

// y [rows, cols] = the values of w starting at (row, col).
void dequantize(Stream stream, const Tensor& y, const WeightMatrix& w, int64_t row, int64_t col);

// y[T, n] = x[T, k] w^T (+ add), T <= kSkinnyRows: bound by reading w once.
constexpr int64_t kSkinnyRows = 8;
void skinny_gemm(Stream stream, const Tensor& y, const Tensor& x, const WeightMatrix& w, const Tensor* add);

}  // namespace vq::cuda
