// Dropout inside kernels: the mask is regenerated wherever it is needed.
#pragma once

#include "ops/cuda/rows.h"
#include "ops/ops.h"

namespace vq::cuda {

// Applies the mask to N elements starting at position `first`.
template <int N>
__device__ __forceinline__ void drop(float (&v)[N], const DropoutMask& mask, int64_t first) {
#pragma unroll
  for (int i = 0; i < N; i++) {
    const auto position = static_cast<uint64_t>(first + i);
    const uint64_t keys = dropout_keys(mask, position);
    const uint32_t word =
        dropout_word(static_cast<uint32_t>(position), static_cast<uint32_t>(keys), static_cast<uint32_t>(keys >> 32));
    v[i] = word >= mask.threshold ? v[i] * mask.scale : 0.0f;
  }
}

// FusedDropout of ops.h.
struct DropoutRows {
  Rows x;
  DropoutMask mask;

  // Rounds to the stored type, as the next op would read it.
  template <int N>
  __device__ __forceinline__ void round(float (&v)[N]) const {
    if (x.f32) return;
#pragma unroll
    for (int i = 0; i < N; i++) v[i] = to_float(from_float<bf16>(v[i]));
  }
  // x = masked v, with v rounded to the stored type first.
  template <int N>
  __device__ __forceinline__ void store(float (&v)[N], int64_t row, int64_t col, int64_t cols) const {
    round(v);
    drop(v, mask, row * cols + col);
    x.store(v, row, col);
  }
  // v += masked x, with x rounded to the stored type first.
  template <int N>
  __device__ __forceinline__ void add(float (&v)[N], int64_t row, int64_t col, int64_t cols) const {
    float more[N];
    x.load(more, row, col);
    drop(more, mask, row * cols + col);
#pragma unroll
    for (int i = 0; i < N; i++) v[i] += more[i];
    round(v);
  }
};

inline DropoutRows fused_of(const FusedDropout& m) { return {rows_of(m.x), dropout_mask(m.key)}; }

}  // namespace vq::cuda
