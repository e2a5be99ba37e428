// Quantized weights (see WeightFormat in ops.h) for one instruction set: dequantization, and GEMV with a few rows,
// which is bound by reading the codes and, below 8 bits, by dequantizing them.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "ops/cpu/isa/vec.h"

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

// Multiplies N rows of w by T rows of x. A format provides the values of elements [i, i + n) of row r (decode), the
// factor of all elements of the row, or of the block of kNf4Block that starts at i (scale), and the address of the
// codes (at).
template <int N, int T, class Format>
VQ_INLINE void some_rows(float* y, int64_t y_stride, int64_t row, int64_t k, const float* x, int64_t x_stride,
                         const Format& format) {
  vf acc[N][T] = {};
  int64_t begin = format.template packed<N, T>(acc, row, x, x_stride);
  for (; begin < k; begin += kNf4Block) {
    const int64_t end = k - begin < kNf4Block ? k : begin + kNf4Block;
    vf block[N][T] = {};
    vf(&part)[N][T] = Format::kRowScale ? acc : block;
    const auto add = [&](int64_t i, auto n) __attribute__((always_inline)) {
      vf xs[T];
      for (int t = 0; t < T; t++) xs[t] = load(x + t * x_stride + i, n);
      for (int r = 0; r < N; r++) {
        const vf v = format.decode(row + r, i, n);
        for (int t = 0; t < T; t++) part[r][t] += v * xs[t];
      }
    };
    // The hardware prefetcher stops at the end of each row.
    for (int r = 0; r < N; r++) __builtin_prefetch(format.at(row + N + r, begin));
    int64_t i = begin;
    for (; i + W <= end; i += W) add(i, Full{});
    if (i < end) add(i, end - i);
    for (int r = 0; r < N && !Format::kRowScale; r++) {
      const float s = format.scale(row + r, begin);
      for (int t = 0; t < T; t++) acc[r][t] += part[r][t] * s;
    }
  }
  for (int r = 0; r < N; r++) {
    const float s = Format::kRowScale ? format.scale(row + r, 0) : 1.0f;
    for (int t = 0; t < T; t++) y[t * y_stride + r] = sum_lanes(acc[r][t]) * s;
  }
}

// One code per byte, one scale per row.
template <bool whole>
struct Bytes {
  static constexpr bool kRowScale = true;
  const QuantView& w;
  template <int N, int T>
  VQ_INLINE int64_t packed(vf (&)[N][T], int64_t, const float*, int64_t) const {
    return 0;
  }
  VQ_INLINE const uint8_t* at(int64_t row, int64_t i) const { return w.codes + row * w.k + i; }
  template <class Count>
  VQ_INLINE vf decode(int64_t row, int64_t i, Count n) const {
    const vc codes = load_codes(at(row, i), n);
    return whole ? from_int8(codes) : from_e4m3(codes);
  }
  VQ_INLINE float scale(int64_t row, int64_t) const { return whole ? w.scales[row] : w.scales[row] / kE4m3; }
};

// Rows that start with a block. In the rearranged part of x (see arrange_nf4), W words of eight codes each are
// dequantized at a time, code by code.
struct Nibbles {
  static constexpr bool kRowScale = false;
  const QuantView& w;
  template <int N, int T>
  VQ_INLINE int64_t packed(vf (&acc)[N][T], int64_t row, const float* x, int64_t x_stride) const {
    int64_t begin = 0;
    for (; begin + 8 * W <= w.k; begin += 8 * W) {
      vf part[N][T] = {};
      vu words[N];
      for (int r = 0; r < N; r++) {
        const uint8_t* codes = at(row + r, begin);
        __builtin_prefetch(codes + N * w.k / 2);
        words[r] = *(const vu_any*)codes;
      }
#pragma GCC unroll 8
      for (int nibble = 0; nibble < 8; nibble++) {
        vf xs[T];
        for (int t = 0; t < T; t++) xs[t] = load(x + t * x_stride + begin + nibble * W);
        for (int r = 0; r < N; r++) {
          const vf v = look_up(words[r] >> (4 * nibble));
          for (int t = 0; t < T; t++) part[r][t] += v * xs[t];
        }
      }
      for (int r = 0; r < N; r++) {
        vf s = splat(scale(row + r, begin));
        if constexpr (W == 16) s = select((vi)(lane_numbers() < 8.0f), s, splat(scale(row + r, begin + kNf4Block)));
        for (int t = 0; t < T; t++) acc[r][t] += part[r][t] * s;
      }
    }
    return begin;
  }
  VQ_INLINE const uint8_t* at(int64_t row, int64_t i) const { return w.codes + (row * w.k + i) / 2; }
  template <class Count>
  VQ_INLINE vf decode(int64_t row, int64_t i, Count) const {
    return from_nf4(w.codes, row * w.k + i);
  }
  VQ_INLINE float scale(int64_t row, int64_t i) const { return block_scale(w, (row * w.k + i) / kNf4Block); }
};

// Reorders x to match the order in which Nibbles dequantizes codes: for each W words of eight elements, the first of
// all words, then the second, and so on; the upper half of a byte is first in the matrix and is processed second.
void arrange_nf4(float* x, int64_t k) {
  if (k % kNf4Block != 0) return;
  for (int64_t begin = 0; begin + 8 * W <= k; begin += 8 * W) {
    float part[8 * W];
    for (int nibble = 0; nibble < 8; nibble++)
      for (int word = 0; word < W; word++) part[nibble * W + word] = x[begin + word * 8 + (nibble ^ 1)];
    __builtin_memcpy(x + begin, part, sizeof part);
  }
}

// Processes T rows of x at a time, and as many rows of w as the registers left by their sums allow.
template <int T, class Format>
VQ_INLINE void all_rows(float* y, int64_t y_stride, int64_t row, int64_t rows, int64_t k, const float* x,
                        int64_t x_stride, const Format& format) {
  constexpr int R = T <= 2 ? 4 : T <= 4 ? 2 : 1;
  int64_t r = 0;
  for (; r + R <= rows; r += R) some_rows<R, T>(y + r, y_stride, row + r, k, x, x_stride, format);
  for (; r < rows; r++) some_rows<1, T>(y + r, y_stride, row + r, k, x, x_stride, format);
}

template <class Format>
void gemv_of_format(float* y, int64_t y_stride, int64_t row, int64_t rows, int64_t k, const float* x, int64_t x_stride,
                    int64_t count, const Format& format) {
  constexpr int64_t kStrip =
      4;  // rows that stay in the cache while more than four rows of x are processed in two passes
  for (int64_t r = 0; r < rows; r += kStrip) {
    const int64_t n = rows - r < kStrip ? rows - r : kStrip;
    for (int64_t t = 0; t < count; t += 4) {
      float* to = y + t * y_stride + r;
      const float* from = x + t * x_stride;
      switch (count - t) {
        case 1:
          all_rows<1>(to, y_stride, row + r, n, k, from, x_stride, format);
          break;
        case 2:
          all_rows<2>(to, y_stride, row + r, n, k, from, x_stride, format);
          break;
        case 3:
          all_rows<3>(to, y_stride, row + r, n, k, from, x_stride, format);
          break;
        default:
          all_rows<4>(to, y_stride, row + r, n, k, from, x_stride, format);
      }
    }
  }
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
      return gemv_of_format(y, y_stride, row, rows, w.k, x, x_stride, count, Bytes<true>{w});
    case QuantView::fp8:
      return gemv_of_format(y, y_stride, row, rows, w.k, x, x_stride, count, Bytes<false>{w});
    case QuantView::nf4:
      if (w.k % kNf4Block != 0) return gemv_odd_nf4(y, y_stride, w, row, rows, x, x_stride, count);
      return gemv_of_format(y, y_stride, row, rows, w.k, x, x_stride, count, Nibbles{w});
  }
}

void arrange(float* x, const QuantView& w) {
  if (w.format == QuantView::nf4) arrange_nf4(x, w.k);
}

constexpr QuantKernels quant_kernels() { return {dequantize, arrange, quantized_gemv}; }

}  // namespace
}  // namespace vq::cpu::VQ_ISA
