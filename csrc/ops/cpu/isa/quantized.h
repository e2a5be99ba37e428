// Quantized weights (see WeightFormat in ops.h) for one instruction set: dequantization, and GEMV with a few rows,
// which is bound by reading the codes and, below 8 bits, by dequantizing them.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "ops/cpu/isa/gemv_loops.h"

namespace vq::cpu::VQ_ISA {
namespace {

typedef int8_t vc __attribute__((vector_size(W)));
typedef uint8_t vc_unsigned __attribute__((vector_size(W)));

VQ_INLINE vc load_codes(const uint8_t* p, Full) {
  vc x;
  __builtin_memcpy(&x, p, W);
  return x;
}
VQ_INLINE vc load_codes(const uint8_t* p, int64_t n) {
  vc x = {};
  __builtin_memcpy(&x, p, n);
  return x;
}

VQ_INLINE vf from_int8(vc x) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepi8_epi32(0xffff, (__m128i)x));
#elif defined(__AVX2__)
  return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_set1_epi64x((int64_t)x)));
#else
  typedef int16_t vs __attribute__((vector_size(W * 2)));
  return __builtin_convertvector(__builtin_convertvector(__builtin_convertvector(x, vs), vi), vf);
#endif
}

// 4 exponent bits with a bias of 7, 3 fraction bits: kE4m3 of the value. NaN codes do not occur.
#if defined(__AVX2__)
// In the bit positions of a half-precision number, whose bias is 15.
constexpr float kE4m3 = 0x1p-8f;
VQ_INLINE vf from_e4m3(vc x) {
#if defined(__AVX512F__)
  const __m256i wide = _mm256_slli_epi16(_mm256_cvtepi8_epi16((__m128i)x), 7);
  return (vf)_mm512_maskz_cvtph_ps(0xffff, _mm256_and_si256(wide, _mm256_set1_epi16((int16_t)0xbfff)));
#else
  const __m128i wide = _mm_slli_epi16(_mm_cvtepi8_epi16(_mm_set1_epi64x((int64_t)x)), 7);
  return (vf)_mm256_cvtph_ps(_mm_and_si128(wide, _mm_set1_epi16((int16_t)0xbfff)));
#endif
}
#else
// In the bit positions of a float, whose bias is 127.
constexpr float kE4m3 = 0x1p-120f;
VQ_INLINE vf from_e4m3(vc x) {
  typedef uint16_t vs __attribute__((vector_size(W * 2)));
  const vu u = __builtin_convertvector(__builtin_convertvector((vc_unsigned)x, vs), vu);
  return (vf)((u & 0x7f) << 20 | (u & 0x80) << 24);
}
#endif

// Looks up the lower four bits of each lane in the table.
VQ_INLINE vf look_up(vu i) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_permutexvar_ps(0xffff, (__m512i)i, _mm512_loadu_ps(kNf4Table));  // all lanes
#elif defined(__AVX2__)
  const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(kNf4Table), (__m256i)i);
  const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(kNf4Table + 8), (__m256i)i);
  return (vf)_mm256_blendv_ps(low, high, (__m256)(i << 28));
#else
  vf x;
  for (int lane = 0; lane < W; lane++) x[lane] = kNf4Table[i[lane] & 15];
  return x;
#endif
}

// Table values of elements [i, i + W), i even: the first element of each byte is in its upper half.
VQ_INLINE vf from_nf4(const uint8_t* codes, int64_t i) {
  vu words, shift;
  if constexpr (W == 16) {
    uint32_t w[2];
    __builtin_memcpy(w, codes + i / 2, 8);
    words = (vu)select((vi)(lane_numbers() < 8.0f), (vf)splat_word(w[0]), (vf)splat_word(w[1]));
  } else {
    uint32_t w = 0;
    __builtin_memcpy(&w, codes + i / 2, W / 2);
    words = splat_word(w);
  }
  for (int lane = 0; lane < W; lane++) shift[lane] = (uint32_t)(lane % 8 / 2 * 8 + (lane % 2 ? 0 : 4));
  return look_up(words >> shift);
}

VQ_INLINE float block_scale(const QuantView& w, int64_t block) {
  return kDynamicMap.value[w.block_codes[block]] * w.scales[block / kNf4ScaleBlock] + w.block_mean;
}

template <class N>
VQ_INLINE void store_value(Run y, int64_t i, vf x, bool round, N n) {
  if (round && y.type == Elem::f32) x = (vf)(round_bf16(x) & 0xffff0000);
  store(y, i, x, n);
}

void dequantize_nf4(Run y, const QuantView& w, int64_t first, int64_t n, bool round) {
  for (int64_t done = 0; done < n;) {
    const int64_t element = first + done, left = kNf4Block - element % kNf4Block,
                  count = left < n - done ? left : n - done;
    const float scale = block_scale(w, element / kNf4Block);
    int64_t i = 0;
    if (element % 2 == 0)
      for (; i + W <= count; i += W) store_value(y, done + i, from_nf4(w.codes, element + i) * scale, round, Full{});
    for (; i < count; i++) {
      const int64_t at = element + i;
      const vf x = splat(kNf4Table[w.codes[at / 2] >> (at % 2 ? 0 : 4) & 15] * scale);
      store_value(y, done + i, x, round, int64_t{1});
    }
    done += count;
  }
}

void dequantize(Run y, const QuantView& w, int64_t row, int64_t col, int64_t n, bool round) {
  const int64_t first = row * w.k + col;
  if (w.format == QuantView::nf4) return dequantize_nf4(y, w, first, n, round);
  const bool whole = w.format == QuantView::int8;
  const float scale = w.scales ? w.scales[row] : 1.0f, unit = whole ? 1.0f : 1.0f / kE4m3;
  each_vector(n, [&](int64_t i, auto c) {
    const vc codes = load_codes(w.codes + first + i, c);
    store_value(y, i, (whole ? from_int8(codes) : from_e4m3(codes) * unit) * scale, round, c);
  });
}

// One code per byte, one scale per row: rows [row, row + rows) of w by T rows of x.
template <int T, bool whole>
void gemv_bytes(float* y, int64_t y_stride, const QuantView& w, int64_t row, int64_t rows, const float* x,
                int64_t x_stride) {
  for (int64_t r = row; r < row + rows; r++, y++) {
    const uint8_t* codes = w.codes + r * w.k;
    vf acc[T][kSums] = {};
    each_in_row<1>(
        codes, w.k, [&](int64_t i, int s, auto n) __attribute__((always_inline)) {
          const vc code = load_codes(codes + i, n);
          const vf v = whole ? from_int8(code) : from_e4m3(code);
          for (int t = 0; t < T; t++) acc[t][s] += v * load(x + t * x_stride + i, n);
        });
    const float scale = whole ? w.scales[r] : w.scales[r] / kE4m3;
    for (int t = 0; t < T; t++) y[t * y_stride] = sum_lanes(acc[t][0] + acc[t][1]) * scale;
  }
}

// Rows that start with a block, by rearranged rows of x (see arrange_nf4): W words of eight codes each are dequantized
// at a time, code by code.
template <int T>
void gemv_nibbles(float* y, int64_t y_stride, const QuantView& w, int64_t row, int64_t rows, const float* x,
                  int64_t x_stride) {
  for (int64_t r = row; r < row + rows; r++, y++) {
    const uint8_t* codes = w.codes + r * w.k / 2;
    const int64_t first_block = r * w.k / kNf4Block;
    vf acc[T] = {};
    int64_t begin = 0;
    for (; begin + 8 * W <= w.k; begin += 8 * W) {
      vf part[T][kSums] = {};
      const vu words = *(const vu_any*)(codes + begin / 2);
      read_ahead<4 * W>(codes + begin / 2);
#pragma GCC unroll 8
      for (int nibble = 0; nibble < 8; nibble++) {
        const vf v = look_up(words >> (4 * nibble));
        for (int t = 0; t < T; t++) part[t][nibble % kSums] += v * load(x + t * x_stride + begin + nibble * W);
      }
      vf scale = splat(block_scale(w, first_block + begin / kNf4Block));
      if constexpr (W == 16)
        scale = select((vi)(lane_numbers() < 8.0f), scale, splat(block_scale(w, first_block + begin / kNf4Block + 1)));
      for (int t = 0; t < T; t++) acc[t] += (part[t][0] + part[t][1]) * scale;
    }
    // x is in its own order from here on.
    for (; begin < w.k; begin += W) {
      const vf v = from_nf4(w.codes, r * w.k + begin) * block_scale(w, first_block + begin / kNf4Block);
      for (int t = 0; t < T; t++) acc[t] += v * load(x + t * x_stride + begin);
    }
    for (int t = 0; t < T; t++) y[t * y_stride] = sum_lanes(acc[t]);
  }
}

// Reorders x to match the order in which gemv_nibbles dequantizes codes: for each W words of eight elements, the first
// of all words, then the second, and so on; the upper half of a byte is first in the matrix and is processed second.
void arrange_nf4(float* x, int64_t k) {
  if (k % kNf4Block != 0) return;
  for (int64_t begin = 0; begin + 8 * W <= k; begin += 8 * W) {
    float part[8 * W];
    for (int nibble = 0; nibble < 8; nibble++)
      for (int word = 0; word < W; word++) part[nibble * W + word] = x[begin + word * 8 + (nibble ^ 1)];
    __builtin_memcpy(x + begin, part, sizeof part);
  }
}

template <QuantView::Format format>
void gemv_of_format(float* y, int64_t y_stride, const QuantView& w, int64_t first, int64_t rows, const float* x,
                    int64_t x_stride, int64_t count) {
  each_strip(rows, count, [&](auto group, int64_t t, int64_t row, int64_t n) {
    constexpr int T = decltype(group)::value;
    float* to = y + t * y_stride + row;
    const float* from = x + t * x_stride;
    if constexpr (format == QuantView::nf4)
      gemv_nibbles<T>(to, y_stride, w, first + row, n, from, x_stride);
    else
      gemv_bytes<T, format == QuantView::int8>(to, y_stride, w, first + row, n, from, x_stride);
  });
}

// Rows that do not start at a block boundary: dequantized to floats first.
void gemv_odd_nf4(float* y, int64_t y_stride, const QuantView& w, int64_t row, int64_t rows, const float* x,
                  int64_t x_stride, int64_t count) {
  constexpr int64_t kPiece = 512;
  for (int64_t r = 0; r < rows; r++) {
    vf acc[8] = {};
    for (int64_t at = 0; at < w.k; at += kPiece) {
      const int64_t n = w.k - at < kPiece ? w.k - at : kPiece;
      alignas(64) float values[kPiece];
      dequantize_nf4({values, Elem::f32}, w, (row + r) * w.k + at, n, false);
      each_vector(n, [&](int64_t i, auto c) {
        const vf v = load(values + i, c);
        for (int64_t t = 0; t < count; t++) acc[t] += v * load(x + t * x_stride + at + i, c);
      });
    }
    for (int64_t t = 0; t < count; t++) y[t * y_stride + r] = sum_lanes(acc[t]);
  }
}

void quantized_gemv(float* y, int64_t y_stride, const QuantView& w, int64_t row, int64_t rows, const float* x,
                    int64_t x_stride, int64_t count) {
  switch (w.format) {
    case QuantView::int8:
      return gemv_of_format<QuantView::int8>(y, y_stride, w, row, rows, x, x_stride, count);
    case QuantView::fp8:
      return gemv_of_format<QuantView::fp8>(y, y_stride, w, row, rows, x, x_stride, count);
    case QuantView::nf4:
      if (w.k % kNf4Block != 0) return gemv_odd_nf4(y, y_stride, w, row, rows, x, x_stride, count);
      return gemv_of_format<QuantView::nf4>(y, y_stride, w, row, rows, x, x_stride, count);
  }
}

void arrange(float* x, const QuantView& w) {
  if (w.format == QuantView::nf4) arrange_nf4(x, w.k);
}

constexpr QuantKernels quant_kernels() { return {dequantize, arrange, quantized_gemv}; }

}  // namespace
}  // namespace vq::cpu::VQ_ISA
