// Dropout's mask in kernels, which draw it wherever they need it: that of ops/cpu/isa/elementwise.h, word for word.
#pragma once

#include <cmath>

#include "ops/cuda/rows.h"

namespace vq::cuda {

// A word for each position, from it and two keys alone.
__device__ __forceinline__ uint32_t random_word(uint32_t position, uint32_t key0, uint32_t key1) {
  uint32_t x = position * 0x9e3779b1u + key0;
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15) ^ key1) * 0x846ca68bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  return x ^ (x >> 16);
}
// The finalizer of SplitMix64, which makes the keys.
__host__ __device__ inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

struct Mask {
  uint64_t base;       // the keys of the first 2^32 positions
  uint32_t threshold;  // kept when the word is at least this
  float scale;

  // N elements from a position on.
  template <int N>
  __device__ __forceinline__ void apply(float (&v)[N], int64_t first) const {
#pragma unroll
    for (int i = 0; i < N; i++) {
      const auto position = static_cast<uint64_t>(first + i);
      const uint64_t keys = position >> 32 ? mix(base ^ (position >> 32)) : base;
      const uint32_t word =
          random_word(static_cast<uint32_t>(position), static_cast<uint32_t>(keys), static_cast<uint32_t>(keys >> 32));
      v[i] = word >= threshold ? v[i] * scale : 0.0f;
    }
  }
};

inline Mask mask_of(const DropoutKey& key) {
  const double threshold = std::round(static_cast<double>(key.p) * 4294967296.0);
  return {mix(mix(key.seed) ^ key.stream), threshold >= 4294967295.0 ? UINT32_MAX : static_cast<uint32_t>(threshold),
          key.p < 1 ? 1.0f / (1.0f - key.p) : 0.0f};
}

// FusedDropout of ops.h.
struct DropoutRows {
  Rows x;
  Mask mask;

  // As the next op would read what is stored here.
  template <int N>
  __device__ __forceinline__ void round(float (&v)[N]) const {
    if (x.f32) return;
#pragma unroll
    for (int i = 0; i < N; i++) v[i] = to_float(from_float<bf16>(v[i]));
  }
  // x = masked v, v being rounded as it is stored.
  template <int N>
  __device__ __forceinline__ void store(float (&v)[N], int64_t row, int64_t col, int64_t cols) const {
    round(v);
    mask.apply(v, row * cols + col);
    x.store(v, row, col);
  }
  // v += masked x, rounded as it would be stored.
  template <int N>
  __device__ __forceinline__ void add(float (&v)[N], int64_t row, int64_t col, int64_t cols) const {
    float more[N];
    x.load(more, row, col);
    mask.apply(more, row * cols + col);
#pragma unroll
    for (int i = 0; i < N; i++) v[i] += more[i];
    round(v);
  }
};

inline DropoutRows fused_of(const FusedDropout& m) { return {rows_of(m.x), mask_of(m.key)}; }

}  // namespace vq::cuda
