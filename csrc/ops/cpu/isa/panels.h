// Packing of panels and f32 GEMMs on them, for one instruction set (see kernels.h for the layouts).
#pragma once

#include "ops/cpu/isa/vec.h"

namespace vq::cpu::VQ_ISA {
namespace {

// n elements of src as T (float or bf16 bits); floats are optionally rounded to bf16.
VQ_INLINE void convert_run(float* dst, ConstRun src, int64_t at, int64_t n, bool round) {
  if (round && src.type != Elem::bf16)
    each_vector(n, [&](int64_t i, auto c) { store(dst + i, (vf)(round_bf16(load(src, at + i, c)) & 0xffff0000), c); });
  else
    each_vector(n, [&](int64_t i, auto c) { store(dst + i, load(src, at + i, c), c); });
}
VQ_INLINE void convert_run(uint16_t* dst, ConstRun src, int64_t at, int64_t n, bool) {
  if (src.type == Elem::bf16)
    each_vector(n,
                [&](int64_t i, auto c) { store_half(dst + i, load_half((const uint16_t*)src.data + at + i, c), c); });
  else
    each_vector(n, [&](int64_t i, auto c) { store_half(dst + i, to_bf16(load(src, at + i, c)), c); });
}

VQ_INLINE int64_t line_start(const StridedMatrix& x, int64_t i) {
  return x.group == 1 ? i * x.stride : i / x.group * x.stride + i % x.group * x.inner;
}

// Lines [first, first + count) of a StridedMatrix, k elements from k0 on, into rows of `width` elements, zero-padded to
// `rows` rows.
template <class T>
VQ_INLINE void gather_block(T* dst, int64_t width, int64_t rows, const StridedMatrix& x, int64_t first, int64_t count,
                            int64_t at, int64_t n, bool round) {
  for (int64_t r = 0; r < count; r++) {
    T* row = dst + r * width;
    convert_run(row, {x.data, x.type}, line_start(x, first + r) + at, n, round);
    if (n < width) __builtin_memset(row + n, 0, (width - n) * sizeof(T));
  }
  if (count < rows) __builtin_memset(dst + count * width, 0, (rows - count) * width * sizeof(T));
}

// Pairs of lines interleaved: word (i, j) = line 2 i element j, line 2 i + 1 element j.
VQ_INLINE void interleave(uint32_t* dst, const uint16_t* lines, int64_t width, int64_t pairs) {
  for (int64_t p = 0; p < pairs; p++) {
    const uint16_t* even = lines + 2 * p * width;
    const uint16_t* odd = even + width;
    for (int64_t j = 0; j < width; j++) dst[p * width + j] = even[j] | (uint32_t)odd[j] << 16;
  }
}

constexpr int up8(int x) { return (x + 7) / 8 * 8; }

template <int MR, int KA, class T>
void pack_a(void* panel, const StridedMatrix& a, int64_t first, int64_t count, int64_t k0, int64_t k, bool round) {
  T* dst = (T*)panel;
  if (a.along_k) {
    // Row by row: the hardware prefetcher works on memory that is read in order.
    const int64_t whole = k / KA * KA, padded = (k + KA - 1) / KA * KA;
    for (int64_t r = 0; r < count; r++) {
      const int64_t line = line_start(a, first + r) + k0;
      T* row = dst + r * KA;
      for (int64_t at = 0; at < whole; at += KA) convert_run(row + at * MR, {a.data, a.type}, line + at, KA, round);
      if (whole < k) {
        convert_run(row + whole * MR, {a.data, a.type}, line + whole, k - whole, round);
        __builtin_memset(row + whole * MR + k - whole, 0, (padded - k) * sizeof(T));
      }
    }
    for (int64_t r = count; r < MR; r++)
      for (int64_t at = 0; at < padded; at += KA) __builtin_memset(dst + at * MR + r * KA, 0, KA * sizeof(T));
    return;
  }
  for (int64_t at = 0; at < k; at += KA, dst += MR * KA) {
    const int64_t n = k - at < KA ? k - at : KA;
    constexpr int width = up8(MR);
    alignas(64) T lines[KA * width];
    // Whole panels with a compile-time number of rows: short copies become plain moves.
    if (count == MR)
      gather_block(lines, width, KA, a, k0 + at, n, first, MR, round);
    else
      gather_block(lines, width, KA, a, k0 + at, n, first, count, round);
    if constexpr (sizeof(T) == 4) {
      transpose_words((uint32_t*)dst, KA, (const uint32_t*)lines, width, KA, MR);
    } else {
      alignas(64) uint32_t pairs[KA / 2 * width];
      interleave(pairs, lines, width, KA / 2);
      transpose_words((uint32_t*)dst, KA / 2, pairs, width, KA / 2, MR);
    }
  }
}

template <int NR, int KA, class T>
void pack_b(void* panel, const StridedMatrix& b, int64_t first, int64_t count, int64_t k0, int64_t k, bool round) {
  T* dst = (T*)panel;
  for (int64_t at = 0; at < k; at += KA, dst += NR * KA) {
    const int64_t n = k - at < KA ? k - at : KA;
    alignas(64) T lines[NR * KA];
    if (b.along_k) {
      gather_block(lines, KA, NR, b, first, count, k0 + at, n, round);
      constexpr int words = KA * sizeof(T) / 4;
      transpose_words((uint32_t*)dst, NR, (const uint32_t*)lines, words, NR, words);
    } else if constexpr (sizeof(T) == 4) {
      gather_block(dst, NR, KA, b, k0 + at, n, first, count, round);
    } else {
      gather_block(lines, NR, KA, b, k0 + at, n, first, count, round);
      interleave((uint32_t*)dst, lines, NR, KA / 2);
    }
  }
}

// Tiles of MR x 2 W in registers: each step reads two vectors of B and MR scalars of A for 2 MR multiply-adds.
template <int MR>
void f32_tiles(int64_t k, const void* a_panels, int64_t a_stride, int64_t count, const void* b_panel, float* c,
               int64_t c_stride, bool accumulate, Prefetch ahead) {
  constexpr int NR = 2 * W;
  Fetch fetch(ahead, count * (k / NR));
  for (int64_t t = 0; t < count; t++, c += c_stride) {
    const float* a = (const float*)a_panels + t * a_stride;
    const float* b = (const float*)b_panel;
    vf acc[MR][2];
    for (int m = 0; m < MR; m++)
      for (int v = 0; v < 2; v++) acc[m][v] = accumulate ? load(c + m * NR + v * W) : vf{};
    const auto step = [&](int64_t i) __attribute__((always_inline)) {
      const vf b0 = load(b + i * NR), b1 = load(b + i * NR + W);
      for (int m = 0; m < MR; m++) {
        acc[m][0] += a[m * NR + i] * b0;
        acc[m][1] += a[m * NR + i] * b1;
      }
    };
    int64_t left = k;
    for (; left >= NR; left -= NR, a += MR * NR, b += NR * NR) {
      fetch.step();
#pragma GCC unroll 32
      for (int i = 0; i < NR; i++) step(i);
    }
    for (int64_t i = 0; i < left; i++) step(i);
    for (int m = 0; m < MR; m++)
      for (int v = 0; v < 2; v++) store(c + m * NR + v * W, acc[m][v]);
  }
}

template <int MR>
constexpr PanelKernel f32_panels(const char* name, int64_t kc, int64_t mc, int64_t nc) {
  constexpr int NR = 2 * W;
  return {name, MR, NR, 1, Elem::f32, kc, mc, nc, f32_tiles<MR>, pack_a<MR, NR, float>, pack_b<NR, NR, float>};
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
