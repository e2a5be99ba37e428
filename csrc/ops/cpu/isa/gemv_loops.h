// What the GEMVs share. They multiply up to eight rows of x by a matrix in place and are bound by reading it: one row
// of the matrix at a time, so that the reads are one stream, which is prefetched.
//
// Each result is the sum of the same terms in the same order for any number of rows of x: the logits of a token do not
// depend on the tokens that are decoded with it.
#pragma once

#include "ops/cpu/isa/vec.h"

namespace vq::cpu::VQ_ISA {
namespace {

template <int N>
struct Count {
  static constexpr int value = N;
};

// Sums per row of the matrix and row of x: two hide the latency of the addition, because the next row's begin
// meanwhile.
constexpr int kSums = 2;
// Vectors of elements of `size` bytes per step: whole cache lines. Vector i of a step is added to sum i % kSums.
template <int64_t size>
constexpr int kStep = W* size* kSums >= 64 ? kSums : 64 / (W * size);
// Rows of x at a time: their sums stay in registers.
constexpr int kTogether = W == 16 ? 8 : 4;
// The bytes between a read and its prefetch. The hardware's prefetchers are not as far ahead, and stop at the end of a
// page.
constexpr int64_t kAheadBytes = 4096;

// Prefetches `bytes` bytes, kAheadBytes after p.
template <int64_t bytes>
VQ_INLINE void read_ahead(const void* p) {
#pragma GCC unroll 8
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char*)p + kAheadBytes + i);
}

// Calls add(i, s, n) for the vectors of a row of k elements of `size` bytes at `row`: n elements from i, added to sum
// s.
template <int64_t size, class Add>
VQ_INLINE void each_in_row(const void* row, int64_t k, Add add) {
  constexpr int kVectors = kStep<size>;
  int64_t i = 0;
  for (; i + kVectors * W <= k; i += kVectors * W) {
    read_ahead<kVectors * W * size>((const char*)row + i * size);
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; v++) add(i + v * W, v % kSums, Full{});
  }
  each_vector(
      k - i, [&](int64_t at, auto n) __attribute__((always_inline)) { add(i + at, 0, n); });
}

// Calls use(Count<T>{}, t) for consecutive groups of T <= most rows of x, which begin at row t.
template <int most = kTogether, class Use>
VQ_INLINE void each_group(int64_t count, Use use) {
  for (int64_t t = 0; t < count; t += most) {
    const int64_t left = count - t;
    if constexpr (most == 8) {
      if (left >= 8) {
        use(Count<8>{}, t);
        continue;
      }
      if (left == 7) return use(Count<7>{}, t);
      if (left == 6) return use(Count<6>{}, t);
      if (left == 5) return use(Count<5>{}, t);
    }
    if (left >= 4)
      use(Count<4>{}, t);
    else if (left == 3)
      use(Count<3>{}, t);
    else if (left == 2)
      use(Count<2>{}, t);
    else
      use(Count<1>{}, t);
  }
}

// Rows of the matrix that stay in the first cache while several groups of rows of x are multiplied by them.
constexpr int64_t kStrip = 4;

// Calls use(Count<T>{}, t, row, n) for each group of rows of x, from t, and rows [row, row + n) of the matrix.
template <class Use>
VQ_INLINE void each_strip(int64_t rows, int64_t count, Use use) {
  if (count <= kTogether) return each_group(count, [&](auto group, int64_t t) { use(group, t, int64_t{0}, rows); });
  for (int64_t row = 0; row < rows; row += kStrip) {
    const int64_t n = rows - row < kStrip ? rows - row : kStrip;
    each_group(count, [&](auto group, int64_t t) { use(group, t, row, n); });
  }
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
