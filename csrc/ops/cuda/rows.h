// Rows of a tensor in f32 or bf16, accessed N elements at a time; and sums over a warp or a block.
#pragma once

#include <algorithm>
#include <cstring>

#include "ops/cuda/cuda.h"
#include "ops/tensor.h"

namespace vq::cuda {

// Elements that a thread moves at once if the row length allows it: 16 bytes of bf16, 2 x 16 bytes of f32.
constexpr int kWide = 8;

template <int bytes>
struct UnitOf {
  using Type = uint4;
};
template <>
struct UnitOf<8> {
  using Type = uint2;
};
template <>
struct UnitOf<4> {
  using Type = uint32_t;
};
template <>
struct UnitOf<2> {
  using Type = uint16_t;
};

template <int N, class T>
__device__ __forceinline__ void load(float (&to)[N], Global<const T> from) {
  using Unit = typename UnitOf<N * sizeof(T)>::Type;
  T values[N];
#pragma unroll
  for (int i = 0; i < static_cast<int>(N * sizeof(T) / sizeof(Unit)); i++) {
    const Unit u = retyped<const Unit>(from)[i];
    memcpy(values + i * (sizeof(Unit) / sizeof(T)), &u, sizeof u);
  }
#pragma unroll
  for (int i = 0; i < N; i++) to[i] = to_float(values[i]);
}

template <int N, class T>
__device__ __forceinline__ void store(const float (&from)[N], Global<T> to) {
  using Unit = typename UnitOf<N * sizeof(T)>::Type;
  T values[N];
#pragma unroll
  for (int i = 0; i < N; i++) values[i] = from_float<T>(from[i]);
#pragma unroll
  for (int i = 0; i < static_cast<int>(N * sizeof(T) / sizeof(Unit)); i++) {
    Unit u;
    memcpy(&u, values + i * (sizeof(Unit) / sizeof(T)), sizeof u);
    retyped<Unit>(to)[i] = u;
  }
}

// A row-major matrix; the pointer of its type is set.
struct Rows {
  Global<float> f32;
  Global<bf16> b16;
  Global<const f16> h16;  // from weight files: read only
  int64_t stride;

  template <int N>
  __device__ __forceinline__ void load(float (&to)[N], int64_t row, int64_t col) const {
    const int64_t at = row * stride + col;
    if (f32) {
      cuda::load<N, float>(to, f32 + at);
    } else if (b16) {
      cuda::load<N, bf16>(to, b16 + at);
    } else {
      cuda::load<N, f16>(to, h16 + at);
    }
  }
  template <int N>
  __device__ __forceinline__ void store(const float (&from)[N], int64_t row, int64_t col) const {
    const int64_t at = row * stride + col;
    if (f32) {
      cuda::store<N, float>(from, f32 + at);
    } else {
      cuda::store<N, bf16>(from, b16 + at);
    }
  }
};

inline Rows rows_of(const Tensor& t) {
  Rows r{nullptr, nullptr, nullptr, t.stride};
  if (t.dtype == DType::f32) r.f32 = static_cast<float*>(t.data);
  if (t.dtype == DType::bf16) r.b16 = static_cast<bf16*>(t.data);
  if (t.dtype == DType::f16) r.h16 = static_cast<const f16*>(t.data);
  return r;
}

// Whether every row can be moved in units of n elements: 16 bytes each, or all n.
inline bool in_units(const Tensor& t, int64_t n) {
  const auto bytes = std::min<uintptr_t>(16, static_cast<uintptr_t>(n) * size_of(t.dtype));
  return reinterpret_cast<uintptr_t>(t.data) % bytes == 0 &&
         t.stride * static_cast<int64_t>(size_of(t.dtype)) % static_cast<int64_t>(bytes) == 0 && t.cols % n == 0;
}
template <class... Tensors>
bool all_in_units(int64_t n, const Tensors&... t) {
  return (in_units(t, n) && ...);
}

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Threads of a block that shares `items` of work: whole warps, at most `most`.
inline unsigned threads_for(int64_t items, int64_t most = 256) {
  return static_cast<unsigned>(std::clamp<int64_t>(ceil_div(items, 32) * 32, 32, most));
}

// One thread per n elements: blocks (row, part of the columns).
inline Launch over_elements(Stream stream, int64_t rows, int64_t cols, int64_t n) {
  const int64_t units = ceil_div(cols, n);
  const unsigned threads = threads_for(units);
  const int64_t parts = std::min<int64_t>(ceil_div(units, threads), 65535);
  return {{static_cast<unsigned>(rows), static_cast<unsigned>(parts)}, threads, stream};
}
// The columns of such a thread.
__device__ __forceinline__ int64_t first_column(int n) {
  return (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * n;
}
__device__ __forceinline__ int64_t column_step(int n) { return static_cast<int64_t>(gridDim.y) * blockDim.x * n; }

constexpr uint32_t kWholeWarp = 0xffffffff;

template <class T>
__device__ __forceinline__ T warp_sum(T v) {
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_xor_sync(kWholeWarp, v, lanes);
  return v;
}

// The sum over all threads of a block, returned to all of them, in an order that depends on the block size alone.
template <class T>
__device__ __forceinline__ T block_sum(T v) {
  VQ_SHARED(T, part, 32);
  const unsigned lane = threadIdx.x % 32, warps = blockDim.x / 32;
  v = warp_sum(v);
  if (warps == 1) return v;
  if (lane == 0) part[threadIdx.x / 32] = v;
  __syncthreads();
  v = 0;
  if (lane < warps) v = part[lane];
  v = warp_sum(v);
  __syncthreads();  // so that the parts can be overwritten
  return v;
}

}  // namespace vq::cuda
