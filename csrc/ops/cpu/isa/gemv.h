// GEMV of weights in f32, bf16 and f16, for one instruction set: see gemv_loops.h.
#pragma once

#include "ops/cpu/isa/gemv_loops.h"

namespace vq::cpu::VQ_ISA {
namespace {

template <int T, Elem type>
void gemv_rows(float* y, int64_t y_stride, const void* data, int64_t stride, int64_t rows, int64_t k, const float* x,
               int64_t x_stride, bool round) {
  constexpr int64_t kSize = elem_size(type);
  for (int64_t row = 0; row < rows; row++) {
    const ConstRun w = {(const char*)data + row * stride * kSize, type};
    vf acc[T][kSums] = {};
    const auto add = [&](int64_t i, int s, auto n) __attribute__((always_inline)) {
      vf v = load(w, i, n);
      if (type != Elem::bf16 && round) v = (vf)(round_bf16(v) & 0xffff0000);
      for (int t = 0; t < T; t++) acc[t][s] += v * load(x + t * x_stride + i, n);
    };
    each_in_row<kSize>(w.data, k, add);
    for (int t = 0; t < T; t++) y[t * y_stride + row] = sum_lanes(acc[t][0] + acc[t][1]);
  }
}

template <Elem type>
void gemv_of(float* y, int64_t y_stride, const void* w, int64_t stride, int64_t rows, int64_t k, const float* x,
             int64_t x_stride, int64_t count, bool round) {
  each_strip(rows, count, [&](auto group, int64_t t, int64_t row, int64_t n) {
    gemv_rows<decltype(group)::value, type>(y + t * y_stride + row, y_stride,
                                            (const char*)w + row * stride * elem_size(type), stride, n, k,
                                            x + t * x_stride, x_stride, round);
  });
}

void gemv(float* y, int64_t y_stride, ConstRun w, int64_t stride, int64_t rows, int64_t k, const float* x,
          int64_t x_stride, int64_t count, bool round) {
  switch (w.type) {
    case Elem::f32:
      return gemv_of<Elem::f32>(y, y_stride, w.data, stride, rows, k, x, x_stride, count, round);
    case Elem::bf16:
      return gemv_of<Elem::bf16>(y, y_stride, w.data, stride, rows, k, x, x_stride, count, round);
    case Elem::f16:
      return gemv_of<Elem::f16>(y, y_stride, w.data, stride, rows, k, x, x_stride, count, round);
  }
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
