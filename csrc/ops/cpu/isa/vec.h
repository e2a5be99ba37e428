// Vectors of VQ_WIDTH floats using the compiler's vector extensions, for one instruction set. The including file
// defines VQ_ISA (a namespace) and VQ_WIDTH (4, 8 or 16). Everything here has internal linkage: see kernels.h.
#pragma once

#include "ops/cpu/kernels.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define VQ_INLINE inline __attribute__((always_inline))

namespace vq::cpu::VQ_ISA {
namespace {

constexpr int W = VQ_WIDTH;
typedef float vf __attribute__((vector_size(W * 4)));
typedef int32_t vi __attribute__((vector_size(W * 4)));
typedef uint32_t vu __attribute__((vector_size(W * 4)));
typedef uint16_t vh __attribute__((vector_size(W * 2)));
typedef double vd __attribute__((vector_size(W * 4)));  // half as many, so that they also fill a register

// The same types for loads and stores at any address and over any type.
typedef float vf_any __attribute__((vector_size(W * 4), aligned(4), may_alias));
typedef float vf_half_any __attribute__((vector_size(W * 2), aligned(4), may_alias));
typedef uint32_t vu_any __attribute__((vector_size(W * 4), aligned(2), may_alias));
typedef uint16_t vh_any __attribute__((vector_size(W * 2), aligned(2), may_alias));

VQ_INLINE vf splat(float x) { return x - vf{}; }
VQ_INLINE vi splat_int(int32_t x) { return x - vi{}; }
VQ_INLINE vu splat_word(uint32_t x) { return x - vu{}; }
// Selects a where the mask (all ones or zero) is set, otherwise b.
VQ_INLINE vf select(vi mask, vf a, vf b) { return mask ? a : b; }
// Returns the second operand if one is NaN.
#if defined(__AVX512F__)
VQ_INLINE vf max_of(vf a, vf b) { return (vf)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b); }
VQ_INLINE vf min_of(vf a, vf b) { return (vf)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b); }
#else
VQ_INLINE vf max_of(vf a, vf b) { return a > b ? a : b; }
VQ_INLINE vf min_of(vf a, vf b) { return a < b ? a : b; }
#endif

VQ_INLINE vf from_bf16(vh h) { return (vf)(__builtin_convertvector(h, vu) << 16); }
// The upper half of each word is x rounded to bf16, to nearest even; NaN stays NaN.
VQ_INLINE vu round_bf16(vf x) {
  const vu u = (vu)x;
  const vu rounded = u + 0x7fff + ((u >> 16) & 1);
  const vi nan = (vi)((u & 0x7fffffff) > 0x7f800000);
  return (rounded & ~(vu)nan) | ((u | 0x400000) & (vu)nan);
}
#if defined(__AVX512BF16__)
// The instruction treats subnormal numbers as zero.
VQ_INLINE vh to_bf16(vf x) { return (vh)__builtin_ia32_cvtneps2bf16_v16sf((__v16sf)x); }
#else
VQ_INLINE vh to_bf16(vf x) { return __builtin_convertvector(round_bf16(x) >> 16, vh); }
#endif
VQ_INLINE vf from_f16(vh h) {
  const vu u = __builtin_convertvector(h, vu);
  const vu magnitude = u & 0x7fff;
  // In the bit positions of a float the exponent is 112 too small; the multiplication also normalizes subnormals.
  const vu finite = (vu)((vf)(magnitude << 13) * 0x1p112f);
  const vu special = (vu)(magnitude >= 0x7c00) & 0x7f800000;
  return (vf)(finite | special | ((u & 0x8000) << 16));
}

// Number of elements that a step processes: W, a compile-time constant, or fewer at the end of a run.
struct Full {};

VQ_INLINE vf load(const float* p, Full = {}) { return *(const vf_any*)p; }
VQ_INLINE void store(float* p, vf x, Full = {}) { *(vf_any*)p = x; }
VQ_INLINE vf load(const float* p, int64_t n) {
  vf x = {};
  __builtin_memcpy(&x, p, n * 4);
  return x;
}
VQ_INLINE void store(float* p, vf x, int64_t n) { __builtin_memcpy(p, &x, n * 4); }
VQ_INLINE vh load_half(const uint16_t* p, Full) { return *(const vh_any*)p; }
VQ_INLINE void store_half(uint16_t* p, vh x, Full) { *(vh_any*)p = x; }
VQ_INLINE vh load_half(const uint16_t* p, int64_t n) {
  vh x = {};
  __builtin_memcpy(&x, p, n * 2);
  return x;
}
VQ_INLINE void store_half(uint16_t* p, vh x, int64_t n) { __builtin_memcpy(p, &x, n * 2); }

template <class N>
VQ_INLINE vf load(ConstRun x, int64_t i, N n) {
  if (x.type == Elem::f32) return load((const float*)x.data + i, n);
  const vh h = load_half((const uint16_t*)x.data + i, n);
  return x.type == Elem::bf16 ? from_bf16(h) : from_f16(h);
}
template <class N>
VQ_INLINE vf load(Run x, int64_t i, N n) {
  return load(ConstRun{x.data, x.type}, i, n);
}
template <class N>
VQ_INLINE void store(Run y, int64_t i, vf x, N n) {
  if (y.type == Elem::f32)
    store((float*)y.data + i, x, n);
  else
    store_half((uint16_t*)y.data + i, to_bf16(x), n);
}

// step(i, n) for i = 0, W, 2 W, ..., n being Full{} or the number of elements left.
template <class Step>
VQ_INLINE void each_vector(int64_t count, Step step) {
  int64_t i = 0;
  for (; i + W <= count; i += W) step(i, Full{});
  if (i < count) step(i, count - i);
}

typedef float v4 __attribute__((vector_size(16)));
VQ_INLINE float sum_lanes(vf x) {
  v4 part[W / 4];
  __builtin_memcpy(part, &x, sizeof x);
  for (int width = W / 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) part[i] += part[i + width];
  v4 s = part[0];
  s += __builtin_shufflevector(s, s, 2, 3, 2, 3);
  return s[0] + s[1];
}

// Prefetches `bytes` at p into the caches; p can be any address.
VQ_INLINE void prefetch(const void* p, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char*)p + i);
}

// Spreads prefetches evenly over a number of steps.
struct Fetch {
  VQ_INLINE Fetch(Prefetch what, int64_t steps) : next(what.data), lines(what.bytes / 64), steps(steps) {}
  VQ_INLINE void step() {
    for (due += lines; due >= steps; due -= steps, next += 64) __builtin_prefetch(next, 0, 2);
  }
  const char* next;
  int64_t lines, steps, due = 0;
};

VQ_INLINE float max_lanes(vf x) {
  float m = x[0];
  for (int i = 1; i < W; i++) m = x[i] > m ? x[i] : m;
  return m;
}
VQ_INLINE vf lane_numbers() {
  vf x = {};
  for (int i = 0; i < W; i++) x[i] = (float)i;
  return x;
}

// e^r for |r| <= ln 2 / 2.
VQ_INLINE vf exp_polynomial(vf r) {
  vf p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * r * r + r + 1.0f;
}

// e^x within 2 units in the last place; 0 below -87.3 (and for -inf), inf above 88.7, NaN for NaN.
#if defined(__AVX512F__)
VQ_INLINE vf exp_of(vf x) {
  const __mmask16 counts = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-87.3f), _CMP_NLT_UQ);
  const vf clamped = min_of(splat(89), x);
  const vf n = (vf)_mm512_maskz_roundscale_ps(0xffff, (__m512)(clamped * 1.44269504f), _MM_FROUND_TO_NEAREST_INT);
  vf r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  return (vf)_mm512_maskz_scalef_ps(counts, (__m512)exp_polynomial(r), (__m512)n);
}
#else
VQ_INLINE vf exp_of(vf x) {
  const vi tiny = (vi)(x < -87.3f);
  const vf clamped = min_of(splat(88.8f), select(tiny, splat(0), x));
  const vf shifted = clamped * 1.44269504f + 12582912.0f;  // adding 1.5 * 2^23 rounds to the nearest integer
  const vf n = shifted - 12582912.0f;
  vf r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  vf p = exp_polynomial(r);
  // 2^n in two factors: n may be 128.
  const vi whole = (vi)shifted - 0x4b400000;
  const vi half = whole >> 1;
  p = p * (vf)((half + 127) << 23) * (vf)((whole - half + 127) << 23);
  p = select((vi)(x != x), x, p);
  return select(tiny, splat(0), p);
}
#endif

// Transposes 8 x 8 words: line i of src becomes column i of dst; only the first `rows` rows are written.
typedef uint32_t v8 __attribute__((vector_size(32)));
typedef uint32_t v8_any __attribute__((vector_size(32), aligned(4), may_alias));
VQ_INLINE void transpose_8x8(uint32_t* dst, int64_t dst_stride, const uint32_t* src, int64_t src_stride, int64_t rows) {
  v8 a[8], b[8];
  for (int i = 0; i < 8; i++) a[i] = *(const v8_any*)(src + i * src_stride);
  for (int i = 0; i < 8; i += 2) {
    b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; j++) {
      a[i + 2 * j] = __builtin_shufflevector(b[i + j], b[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      a[i + 2 * j + 1] = __builtin_shufflevector(b[i + j], b[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; i++) {
    b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  if (rows >= 8) {
    for (int i = 0; i < 8; i++) *(v8_any*)(dst + i * dst_stride) = b[i];
  } else {
    for (int i = 0; i < rows; i++) *(v8_any*)(dst + i * dst_stride) = b[i];
  }
}

// dst[c][r] = src[r][c] for `lines` lines of src (a multiple of 8) and the first `rows` columns of src; src must be
// readable up to the next multiple of 8 columns.
VQ_INLINE void transpose_words(uint32_t* dst, int64_t dst_stride, const uint32_t* src, int64_t src_stride,
                               int64_t lines, int64_t rows) {
  for (int64_t r = 0; r < rows; r += 8)
    for (int64_t l = 0; l < lines; l += 8)
      transpose_8x8(dst + r * dst_stride + l, dst_stride, src + l * src_stride + r, src_stride, rows - r);
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
