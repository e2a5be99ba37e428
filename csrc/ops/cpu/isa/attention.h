// The steps of attention between the GEMMs, for one instruction set. Scores are stored transposed, [keys][2 W queries]:
// each lane is a query, so that maxima and sums need no cross-lane operations. On one core of Zen 5 in bf16, 2,048 rows
// in one window with heads of 128: 70% of the multiply-add peak forward, 58% backward; the rest is exponentials and
// packing.
#pragma once

#include "ops/cpu/isa/elementwise.h"

namespace vq::cpu::VQ_ISA {
namespace {

constexpr int NR = 2 * W;

VQ_INLINE vi load_limits(const int32_t* p) {
  vi x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

// Rows 2 i and 2 i + 1 of a B panel of bf16: pairs of keys, interleaved.
VQ_INLINE void store_pairs(void* panel, int64_t pair, int v, vf even, vf odd) {
#if defined(__AVX512BF16__)
  const vu words = {0x100000, 0x110001, 0x120002, 0x130003, 0x140004, 0x150005, 0x160006, 0x170007,
                    0x180008, 0x190009, 0x1a000a, 0x1b000b, 0x1c000c, 0x1d000d, 0x1e000e, 0x1f000f};
  const __m512bh both = _mm512_cvtne2ps_pbh((__m512)odd, (__m512)even);
  const vu pairs = (vu)_mm512_permutexvar_epi16((__m512i)words, (__m512i)both);
#else
  const vu pairs = (round_bf16(even) >> 16) | (round_bf16(odd) & 0xffff0000);
#endif
  *(vu_any*)((uint32_t*)panel + pair * NR + v * W) = pairs;
}

bool softmax_block(float* s, int64_t keys, const int32_t* limit, float scale, float* max, float* sum, float* shrink,
                   void* p, Elem packed) {
  bool shrinks = false;
  for (int v = 0; v < 2; v++) {
    float* column = s + v * W;
    const vi seen = load_limits(limit + v * W);
    const vf old_max = load(max + v * W);
    vf m = old_max;
    for (int64_t i = 0; i < keys; i++) {
      const vf x = select(seen > splat_int((int32_t)i), load(column + i * NR) * scale, splat(-__builtin_inff()));
      store(column + i * NR, x);
      m = max_of(x, m);
    }
    const vf factor = exp_of(old_max - m);
    vf total = load(sum + v * W) * factor;
    if (packed == Elem::f32) {
      for (int64_t i = 0; i < keys; i++) {
        const vf e = exp_of(load(column + i * NR) - m);
        total += e;
        store((float*)p + v * W + i * NR, e);
      }
    } else {
      for (int64_t i = 0; i < keys; i += 2) {
        const vf even = exp_of(load(column + i * NR) - m), odd = exp_of(load(column + (i + 1) * NR) - m);
        total += even + odd;
        store_pairs(p, i / 2, v, even, odd);
      }
    }
    store(max + v * W, m);
    store(sum + v * W, total);
    store(shrink + v * W, factor);
    const vi changed = m != old_max;
    for (int i = 0; i < W; i++) shrinks |= changed[i] != 0;
  }
  return shrinks;
}

void scale_lanes(float* rows, int64_t n, const float* factor) {
  const vf f0 = load(factor), f1 = load(factor + W);
  for (int64_t i = 0; i < n; i++, rows += NR) {
    store(rows, load(rows) * f0);
    store(rows + W, load(rows + W) * f1);
  }
}

void store_lanes(const float* acc, int64_t d, int64_t lanes, const float* factor, Run* lines) {
  constexpr int64_t step = 64;
  alignas(64) float turned[NR][step];
  for (int64_t at = 0; at < d; at += step) {
    const int64_t n = d - at < step ? d - at : step;
    // acc has spare rows up to a multiple of 8: see attention.cpp.
    transpose_words((uint32_t*)turned, step, (const uint32_t*)(acc + at * NR), NR, (n + 7) / 8 * 8, NR);
    for (int64_t l = 0; l < lanes; l++) {
      const float f = factor[l];
      each_vector(n, [&](int64_t i, auto c) { store(lines[l], at + i, load(turned[l] + i, c) * f, c); });
    }
  }
}

void softmax_backward_block(const float* s, const float* dp, int64_t keys, int mr, const int32_t* limit, float scale,
                            const float* lse, const float* delta, void* p_a, void* ds_a, int64_t tile_stride,
                            void* ds_b, Elem packed) {
  for (int v = 0; v < 2; v++) {
    const vi seen = load_limits(limit + v * W);
    const vf l = load(lse + v * W), dl = load(delta + v * W);
    const auto gradient = [&](int64_t i, vf & p, vf & ds) __attribute__((always_inline)) {
      const vi visible = seen > splat_int((int32_t)i);
      p = select(visible, exp_of(load(s + i * NR + v * W) * scale - l), splat(0));
      ds = select(visible, p * (load(dp + i * NR + v * W) - dl) * scale, splat(0));
    };
    int64_t tile = v * W;  // offset in the A pieces of the current tile of keys
    for (int64_t first = 0; first < keys; first += mr, tile += tile_stride) {
      if (packed == Elem::f32) {
        for (int r = 0; r < mr; r++) {
          vf p, ds;
          gradient(first + r, p, ds);
          store((float*)p_a + tile + r * NR, p);
          store((float*)ds_a + tile + r * NR, ds);
          store((float*)ds_b + (first + r) * NR + v * W, ds);
        }
      } else {
        for (int r = 0; r < mr; r += 2) {
          vf p[2], ds[2];
          for (int j = 0; j < 2; j++) {
            gradient(first + r + j, p[j], ds[j]);
            store_half((uint16_t*)p_a + tile + (r + j) * NR, to_bf16(p[j]), Full{});
            store_half((uint16_t*)ds_a + tile + (r + j) * NR, to_bf16(ds[j]), Full{});
          }
          store_pairs(ds_b, (first + r) / 2, v, ds[0], ds[1]);
        }
      }
    }
  }
}

// A head's rows are too far apart for the hardware prefetcher.
constexpr int64_t kAhead = 16;
VQ_INLINE void prefetch_row(ConstRun rows, int64_t i, int64_t stride, int64_t d) {
  const int64_t size = elem_size(rows.type);
  prefetch((const char*)rows.data + i * stride * size, d * size);
}

// Heads are processed J at a time, so that a row of the cache is read once for J heads.
template <int J, Elem type>
void scores_of(float* scores, int64_t scores_stride, const float* q, int64_t d, const void* data, int64_t stride,
               int64_t count, float scale) {
  const ConstRun keys = {data, type};
  for (int64_t i = 0; i < count; i++) {
    prefetch_row(keys, i + kAhead, stride, d);
    vf acc[J] = {};
    each_vector(
        d, [&](int64_t at, auto c) __attribute__((always_inline)) {
          const vf key = load(keys, i * stride + at, c);
          for (int j = 0; j < J; j++) acc[j] += key * load(q + j * d + at, c);
        });
    for (int j = 0; j < J; j++) scores[j * scores_stride + i] = sum_lanes(acc[j]) * scale;
  }
}

template <Elem type>
void scores_of_heads(float* scores, int64_t scores_stride, const float* q, int64_t heads, int64_t d, const void* keys,
                     int64_t stride, int64_t count, float scale) {
  int64_t h = 0;
  for (; h + 4 <= heads; h += 4)
    scores_of<4, type>(scores + h * scores_stride, scores_stride, q + h * d, d, keys, stride, count, scale);
  for (; h + 2 <= heads; h += 2)
    scores_of<2, type>(scores + h * scores_stride, scores_stride, q + h * d, d, keys, stride, count, scale);
  for (; h < heads; h++)
    scores_of<1, type>(scores + h * scores_stride, scores_stride, q + h * d, d, keys, stride, count, scale);
}

void decode_scores(float* scores, int64_t scores_stride, const float* q, int64_t heads, int64_t d, ConstRun keys,
                   int64_t stride, int64_t count, float scale) {
  if (keys.type == Elem::bf16)
    scores_of_heads<Elem::bf16>(scores, scores_stride, q, heads, d, keys.data, stride, count, scale);
  else
    scores_of_heads<Elem::f32>(scores, scores_stride, q, heads, d, keys.data, stride, count, scale);
}

template <int J, Elem type>
void values_of(float* acc, const float* p, int64_t p_stride, int64_t d, const void* data, int64_t stride,
               int64_t count) {
  const ConstRun values = {data, type};
  // Four rows at a time, so that the sums are loaded and stored once for four.
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int r = 0; r < 4; r++) prefetch_row(values, i + r + kAhead, stride, d);
    each_vector(
        d, [&](int64_t at, auto c) __attribute__((always_inline)) {
          vf value[4];
          for (int r = 0; r < 4; r++) value[r] = load(values, (i + r) * stride + at, c);
          for (int j = 0; j < J; j++) {
            const float* w = p + j * p_stride + i;
            const vf sum = (value[0] * w[0] + value[1] * w[1]) + (value[2] * w[2] + value[3] * w[3]);
            store(acc + j * d + at, load(acc + j * d + at, c) + sum, c);
          }
        });
  }
  for (; i < count; i++)
    each_vector(
        d, [&](int64_t at, auto c) __attribute__((always_inline)) {
          const vf value = load(values, i * stride + at, c);
          for (int j = 0; j < J; j++)
            store(acc + j * d + at, load(acc + j * d + at, c) + value * p[j * p_stride + i], c);
        });
}

template <Elem type>
void values_of_heads(float* acc, const float* p, int64_t p_stride, int64_t heads, int64_t d, const void* values,
                     int64_t stride, int64_t count) {
  int64_t h = 0;
  for (; h + 4 <= heads; h += 4) values_of<4, type>(acc + h * d, p + h * p_stride, p_stride, d, values, stride, count);
  for (; h + 2 <= heads; h += 2) values_of<2, type>(acc + h * d, p + h * p_stride, p_stride, d, values, stride, count);
  for (; h < heads; h++) values_of<1, type>(acc + h * d, p + h * p_stride, p_stride, d, values, stride, count);
}

void decode_values(float* acc, const float* p, int64_t p_stride, int64_t heads, int64_t d, ConstRun values,
                   int64_t stride, int64_t count) {
  if (values.type == Elem::bf16)
    values_of_heads<Elem::bf16>(acc, p, p_stride, heads, d, values.data, stride, count);
  else
    values_of_heads<Elem::f32>(acc, p, p_stride, heads, d, values.data, stride, count);
}

float exp_and_sum(float* x, int64_t n, float max) {
  vf s = {};
  int64_t i = 0;
  for (; i + W <= n; i += W) {
    const vf e = exp_of(load(x + i) - max);
    store(x + i, e);
    s += e;
  }
  if (i < n) {
    vf rest = splat(-__builtin_inff());
    __builtin_memcpy(&rest, x + i, (n - i) * 4);
    const vf e = exp_of(rest - max);
    store(x + i, e, n - i);
    s += e;
  }
  return sum_lanes(s);
}

constexpr AttentionKernels attention_kernels() {
  return {softmax_block, scale_lanes, store_lanes, softmax_backward_block, decode_scores, decode_values, exp_and_sum};
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
