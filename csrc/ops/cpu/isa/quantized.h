// Quantised weights (see WeightFormat in ops.h) for one instruction set: their values, and their products with a few
// rows, which are bound by reading the codes, and below 8 bits by taking them apart.
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

VQ_INLINE vf from_int8(vc x) { return __builtin_convertvector(x, vf); }
// Four bits of exponent with a bias of 7, three of fraction. Shifted into a float's place the exponent is 120 too
// small; the product also normalises subnormals. Codes of NaN do not occur.
VQ_INLINE vf from_e4m3(vc x) {
  const vu u = __builtin_convertvector((vc_unsigned)x, vu);
  return (vf)((vu)((vf)((u & 0x7f) << 20) * 0x1p120f) | ((u & 0x80) << 24));
}

// table[i] of each lane; i < 16.
VQ_INLINE vf look_up(vu i) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_permutexvar_ps(0xffff, (__m512i)i, _mm512_loadu_ps(kNf4Table));  // all lanes
#elif defined(__AVX2__)
  const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(kNf4Table), (__m256i)i);
  const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(kNf4Table + 8), (__m256i)i);
  return (vf)_mm256_blendv_ps(low, high, (__m256)(i << 28));
#else
  vf x;
  for (int lane = 0; lane < W; lane++) x[lane] = kNf4Table[i[lane]];
  return x;
#endif
}

// Elements [i, i + W) of the table's values, i even: the first of each byte is in its upper half.
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
  return look_up((words >> shift) & 15);
}

constexpr int64_t kBlock = 64, kScaled = 256;  // elements of a block, blocks of a scale

VQ_INLINE float block_scale(const QuantView& w, int64_t block) {
  return kDynamicMap.value[w.block_codes[block]] * w.scales[block / kScaled] + w.block_mean;
}

template <class N>
VQ_INLINE void store_value(Run y, int64_t i, vf x, bool round, N n) {
  if (round && y.type == Elem::f32) x = (vf)(round_bf16(x) & 0xffff0000);
  store(y, i, x, n);
}

void dequantize_nf4(Run y, const QuantView& w, int64_t first, int64_t n, bool round) {
  for (int64_t done = 0; done < n;) {
    const int64_t element = first + done, left = kBlock - element % kBlock, count = left < n - done ? left : n - done;
    const float scale = block_scale(w, element / kBlock);
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
  const float scale = w.scales[row];
  const bool whole = w.format == QuantView::int8;
  each_vector(n, [&](int64_t i, auto c) {
    const vc codes = load_codes(w.codes + first + i, c);
    store_value(y, i, (whole ? from_int8(codes) : from_e4m3(codes)) * scale, round, c);
  });
}

// Products of N rows of w with T of x: values as decode(row, i, n) gives them, times scale(row, i), the scale of all
// elements from i up to the next multiple of `step`.
template <int N, int T, class Decode, class Scale>
VQ_INLINE void some_rows(float* y, int64_t y_stride, int64_t row, int64_t k, int64_t step, const float* x,
                         int64_t x_stride, Decode decode, Scale scale) {
  vf acc[N][T] = {};
  for (int64_t from = 0; from < k; from += step) {
    const int64_t to = k - from < step ? k : from + step;
    vf part[N][T] = {};
    const auto add = [&](int64_t i, auto n) __attribute__((always_inline)) {
      vf xs[T];
      for (int t = 0; t < T; t++) xs[t] = load(x + t * x_stride + i, n);
      for (int r = 0; r < N; r++) {
        const vf v = decode(row + r, i, n);
        for (int t = 0; t < T; t++) part[r][t] += v * xs[t];
      }
    };
    int64_t i = from;
    for (; i + W <= to; i += W) add(i, Full{});
    if (i < to) add(i, to - i);
    for (int r = 0; r < N; r++) {
      const float s = scale(row + r, from);
      for (int t = 0; t < T; t++) acc[r][t] += part[r][t] * s;
    }
  }
  for (int r = 0; r < N; r++)
    for (int t = 0; t < T; t++) y[t * y_stride + r] = sum_lanes(acc[r][t]);
}

// T rows of x at once, and as many of w as their sums leave registers for.
template <int T, class Decode, class Scale>
VQ_INLINE void all_rows(float* y, int64_t y_stride, int64_t row, int64_t rows, int64_t k, int64_t step, const float* x,
                        int64_t x_stride, Decode decode, Scale scale) {
  constexpr int R = T <= 2 ? 4 : T <= 4 ? 2 : 1;
  int64_t r = 0;
  for (; r + R <= rows; r += R) some_rows<R, T>(y + r, y_stride, row + r, k, step, x, x_stride, decode, scale);
  for (; r < rows; r++) some_rows<1, T>(y + r, y_stride, row + r, k, step, x, x_stride, decode, scale);
}

template <class Decode, class Scale>
VQ_INLINE void gemv_by(float* y, int64_t y_stride, int64_t row, int64_t rows, int64_t k, int64_t step, const float* x,
                       int64_t x_stride, int64_t count, Decode decode, Scale scale) {
  constexpr int64_t kStrip = 4;  // rows that are in the cache when more than four of x go over them twice
  for (int64_t r = 0; r < rows; r += kStrip) {
    const int64_t n = rows - r < kStrip ? rows - r : kStrip;
    for (int64_t t = 0; t < count; t += 4) {
      float* to = y + t * y_stride + r;
      const float* from = x + t * x_stride;
      switch (count - t) {
        case 1:
          all_rows<1>(to, y_stride, row + r, n, k, step, from, x_stride, decode, scale);
          break;
        case 2:
          all_rows<2>(to, y_stride, row + r, n, k, step, from, x_stride, decode, scale);
          break;
        case 3:
          all_rows<3>(to, y_stride, row + r, n, k, step, from, x_stride, decode, scale);
          break;
        default:
          all_rows<4>(to, y_stride, row + r, n, k, step, from, x_stride, decode, scale);
      }
    }
  }
}

// Rows whose blocks do not begin with them: taken apart into floats first.
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
  const int64_t k = w.k;
  const uint8_t* codes = w.codes;
  const auto row_scale = [&](int64_t r, int64_t) __attribute__((always_inline)) { return w.scales[r]; };
  switch (w.format) {
    case QuantView::int8:
      return gemv_by(
          y, y_stride, row, rows, k, k, x, x_stride, count,
          [=](int64_t r, int64_t i, auto n) __attribute__((always_inline)) {
            __builtin_prefetch(codes + (r + 4) * k + i);  // the processor's own look-ahead ends with each row
            return from_int8(load_codes(codes + r * k + i, n));
          },
          row_scale);
    case QuantView::fp8:
      return gemv_by(
          y, y_stride, row, rows, k, k, x, x_stride, count,
          [=](int64_t r, int64_t i, auto n) __attribute__((always_inline)) {
            __builtin_prefetch(codes + (r + 4) * k + i);
            return from_e4m3(load_codes(codes + r * k + i, n));
          },
          row_scale);
    case QuantView::nf4:
      if (k % kBlock != 0) return gemv_odd_nf4(y, y_stride, w, row, rows, x, x_stride, count);
      return gemv_by(
          y, y_stride, row, rows, k, kBlock, x, x_stride, count,
          [=](int64_t r, int64_t i, auto) __attribute__((always_inline)) {
            __builtin_prefetch(codes + ((r + 4) * k + i) / 2);
            return from_nf4(codes, r * k + i);
          },
          [&](int64_t r, int64_t i) __attribute__((always_inline)) { return block_scale(w, (r * k + i) / kBlock); });
  }
}

constexpr QuantKernels quant_kernels() { return {dequantize, quantized_gemv}; }

}  // namespace
}  // namespace vq::cpu::VQ_ISA
