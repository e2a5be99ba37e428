// GEMV of bf16 weights and bf16 rows of x with a pairwise dot product instruction: see gemv_loops.h, and bf16_tiles.h
// for dot_pairs, which the including file defines, for W = 16.
#pragma once

#include "ops/cpu/isa/gemv_loops.h"

namespace vq::cpu::VQ_ISA {
namespace {

VQ_INLINE vu load_pairs(const uint16_t* p) { return *(const vu_any*)p; }
VQ_INLINE vu load_pairs(const uint16_t* p, int64_t n) {
  vu x = {};
  __builtin_memcpy(&x, p, n * 2);
  return x;
}

template <int T>
void bf16_gemv_rows(float* y, int64_t y_stride, const uint16_t* data, int64_t stride, int64_t rows, int64_t k,
                    const uint16_t* x, int64_t x_stride) {
  constexpr int64_t kPairs = 2 * W;
  for (int64_t row = 0; row < rows; row++) {
    const uint16_t* w = data + row * stride;
    vf acc[T][kSums] = {};
    int64_t i = 0;
    for (; i + kSums * kPairs <= k; i += kSums * kPairs) {
      read_ahead<2 * kSums * kPairs>(w + i);
#pragma GCC unroll 2
      for (int s = 0; s < kSums; s++) {
        const vu v = load_pairs(w + i + s * kPairs);
        for (int t = 0; t < T; t++) acc[t][s] = dot_pairs(acc[t][s], v, load_pairs(x + t * x_stride + i + s * kPairs));
      }
    }
    for (; i < k; i += kPairs) {
      const int64_t n = k - i < kPairs ? k - i : kPairs;
      const vu v = load_pairs(w + i, n);
      for (int t = 0; t < T; t++) acc[t][0] = dot_pairs(acc[t][0], v, load_pairs(x + t * x_stride + i, n));
    }
    for (int t = 0; t < T; t++) y[t * y_stride + row] = sum_lanes(acc[t][0] + acc[t][1]);
  }
}

void bf16_gemv(float* y, int64_t y_stride, const uint16_t* w, int64_t stride, int64_t rows, int64_t k,
               const uint16_t* x, int64_t x_stride, int64_t count) {
  each_strip(rows, count, [&](auto group, int64_t t, int64_t row, int64_t n) {
    bf16_gemv_rows<decltype(group)::value>(y + t * y_stride + row, y_stride, w + row * stride, stride, n, k,
                                           x + t * x_stride, x_stride);
  });
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
