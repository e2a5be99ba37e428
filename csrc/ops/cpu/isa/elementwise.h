// Element-wise ops and reductions over runs, for one instruction set. Computes in f32 regardless of the storage type.
#pragma once

#include "ops/cpu/isa/gemv.h"

namespace vq::cpu::VQ_ISA {
namespace {

void convert(Run y, ConstRun x, int64_t n) {
  each_vector(n, [&](int64_t i, auto c) { store(y, i, load(x, i, c), c); });
}

void add(Run y, ConstRun a, ConstRun b, int64_t n) {
  each_vector(n, [&](int64_t i, auto c) { store(y, i, load(a, i, c) + load(b, i, c), c); });
}

void store_tile(const float* tile, int64_t tile_stride, int64_t rows, int64_t cols, Run dst, int64_t stride,
                float alpha, ConstRun add, int64_t add_stride) {
  for (int64_t r = 0; r < rows; r++) {
    const float* from = tile + r * tile_stride;
    if (add.data)
      each_vector(cols, [&](int64_t i, auto c) {
        store(dst, r * stride + i, alpha * load(from + i, c) + load(add, r * add_stride + i, c), c);
      });
    else
      each_vector(cols, [&](int64_t i, auto c) { store(dst, r * stride + i, alpha * load(from + i, c), c); });
  }
}

float dot(ConstRun a, ConstRun b, int64_t n) {
  constexpr int kSums = 4;  // several, to hide the latency of the addition
  vf sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums * W <= n; i += kSums * W)
    for (int s = 0; s < kSums; s++) sums[s] += load(a, i + s * W, Full{}) * load(b, i + s * W, Full{});
  each_vector(n - i, [&](int64_t at, auto c) { sums[0] += load(a, i + at, c) * load(b, i + at, c); });
  return sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

float rms_norm(Run y, ConstRun x, const float* w, int64_t n, float eps) {
  const float rstd = 1.0f / __builtin_sqrtf(dot(x, x, n) / (float)n + eps);
  each_vector(n, [&](int64_t i, auto c) { store(y, i, load(x, i, c) * rstd * load(w + i, c), c); });
  return rstd;
}

// With h = x * rstd: dx = rstd * (dy w - h * mean(dy w h)).
void rms_norm_backward(Run dx, ConstRun dy, ConstRun x, float rstd, const float* w, int64_t n, bool accumulate) {
  vf sum = {};
  each_vector(n, [&](int64_t i, auto c) { sum += load(dy, i, c) * load(w + i, c) * load(x, i, c); });
  const float pull = sum_lanes(sum) * rstd * rstd / (float)n;
  each_vector(n, [&](int64_t i, auto c) {
    vf d = rstd * (load(dy, i, c) * load(w + i, c) - load(x, i, c) * pull);
    if (accumulate) d += load(dx, i, c);
    store(dx, i, d, c);
  });
}

VQ_INLINE ConstRun from(ConstRun x, int64_t i) { return {(const char*)x.data + i * elem_size(x.type), x.type}; }
VQ_INLINE Run from(Run x, int64_t i) { return {(char*)x.data + i * elem_size(x.type), x.type}; }

void head_norm_rope(Run y_row, float* rstd, ConstRun x_row, const float* w, int64_t heads, int64_t d, float eps,
                    const float* cos_sin) {
  const int64_t half = d / 2;
  for (int64_t h = 0; h < heads; h++) {
    const ConstRun x = from(x_row, h * d);
    const Run y = from(y_row, h * d);
    const float r = 1.0f / __builtin_sqrtf(dot(x, x, d) / (float)d + eps);
    rstd[h] = r;
    each_vector(half, [&](int64_t i, auto c) {
      const vf a = load(x, i, c) * r * load(w + i, c);
      const vf b = load(x, half + i, c) * r * load(w + half + i, c);
      const vf cos = load(cos_sin + i, c), sin = load(cos_sin + half + i, c);
      store(y, i, a * cos - b * sin, c);
      store(y, half + i, b * cos + a * sin, c);
    });
  }
}

void head_norm_rope_backward(Run dx_row, ConstRun dy_row, ConstRun x_row, const float* rstd, const float* w,
                             int64_t heads, int64_t d, const float* cos_sin) {
  const int64_t half = d / 2;
  for (int64_t h = 0; h < heads; h++) {
    const ConstRun x = from(x_row, h * d), dy = from(dy_row, h * d);
    const Run dx = from(dx_row, h * d);
    const float r = rstd[h];
    // The gradient of the normalized halves times w: the inverse rotation.
    const auto turned = [&](int64_t i, auto c, vf& a, vf& b) __attribute__((always_inline)) {
      const vf cos = load(cos_sin + i, c), sin = load(cos_sin + half + i, c);
      const vf ya = load(dy, i, c), yb = load(dy, half + i, c);
      a = (ya * cos + yb * sin) * load(w + i, c);
      b = (yb * cos - ya * sin) * load(w + half + i, c);
    };
    vf sum = {};
    each_vector(half, [&](int64_t i, auto c) {
      vf a, b;
      turned(i, c, a, b);
      sum += a * load(x, i, c) + b * load(x, half + i, c);
    });
    const float pull = sum_lanes(sum) * r * r / (float)d;
    each_vector(half, [&](int64_t i, auto c) {
      vf a, b;
      turned(i, c, a, b);
      const vf da = r * (a - load(x, i, c) * pull), db = r * (b - load(x, half + i, c) * pull);
      store(dx, i, da, c);
      store(dx, half + i, db, c);
    });
  }
}

VQ_INLINE vf sigmoid(vf x) { return 1.0f / (1.0f + exp_of(-x)); }

void swiglu(Run y, ConstRun gate, ConstRun up, int64_t n) {
  each_vector(n, [&](int64_t i, auto c) {
    const vf g = load(gate, i, c);
    store(y, i, g * sigmoid(g) * load(up, i, c), c);
  });
}

void swiglu_backward(Run d_gate, Run d_up, ConstRun dy, ConstRun gate, ConstRun up, int64_t n) {
  each_vector(n, [&](int64_t i, auto c) {
    const vf g = load(gate, i, c), u = load(up, i, c), d = load(dy, i, c);
    const vf s = sigmoid(g);
    store(d_gate, i, d * u * s * (1.0f + g * (1.0f - s)), c);
    store(d_up, i, d * g * s, c);
  });
}

void dropout(Run y, ConstRun x, int64_t n, uint32_t first, const DropoutMask& mask, bool accumulate) {
  const uint32_t key0 = (uint32_t)mask.base, key1 = (uint32_t)(mask.base >> 32), threshold = mask.threshold;
  const float scale = mask.scale;
  vu lanes;
  for (int i = 0; i < W; i++) lanes[i] = (uint32_t)i;
  each_vector(n, [&](int64_t i, auto c) {
    const vu word = dropout_word<vu>(lanes + (first + (uint32_t)i), key0, key1);
    vf v = select((vi)(word >= threshold), load(x, i, c) * scale, splat(0));
    if (accumulate) v += load(y, i, c);
    store(y, i, v, c);
  });
}

float max(const float* x, int64_t n) {
  vf m = splat(x[0]);
  int64_t i = 0;
  for (; i + W <= n; i += W) m = max_of(load(x + i), m);
  float best = max_lanes(m);
  for (; i < n; i++) best = x[i] > best ? x[i] : best;
  return best;
}

float sum_exp(const float* x, int64_t n, float max) {
  vf s = {};
  int64_t i = 0;
  for (; i + W <= n; i += W) s += exp_of(load(x + i) - max);
  // Lanes beyond the end get 0 = e^-inf.
  if (i < n) {
    vf rest = splat(-__builtin_inff());
    __builtin_memcpy(&rest, x + i, (n - i) * 4);
    s += exp_of(rest - max);
  }
  return sum_lanes(s);
}

void softmax_gradient(float* x, int64_t n, float lse, float weight) {
  each_vector(n, [&](int64_t i, auto c) { store(x + i, weight * exp_of(load(x + i, c) - lse), c); });
}

// Half vectors of floats are widened to full registers of doubles; four sums hide the latency of the addition.
double sum_of_squares(const float* x, int64_t n) {
  constexpr int H = W / 2, kSums = 4;
  vd sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums * H <= n; i += kSums * H)
    for (int s = 0; s < kSums; s++) {
      const vd v = __builtin_convertvector(*(const vf_half_any*)(x + i + s * H), vd);
      sums[s] += v * v;
    }
  const vd sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double total = 0;
  for (int lane = 0; lane < H; lane++) total += sum[lane];
  for (; i < n; i++) total += (double)x[i] * x[i];
  return total;
}

void adamw(float* __restrict p, float* __restrict m, float* __restrict v, const float* __restrict g, int64_t n,
           const AdamWStep& how, float gradient_scale) {
  const AdamWStep h = how;
  for (int64_t i = 0; i < n; i++) {
    const float gradient = g[i] * gradient_scale;
    const float mean = h.beta1 * m[i] + (1.0f - h.beta1) * gradient;
    const float square = h.beta2 * v[i] + (1.0f - h.beta2) * gradient * gradient;
    m[i] = mean;
    v[i] = square;
    p[i] = p[i] * h.decay - h.step_size * mean / (__builtin_sqrtf(square) * h.root_scale + h.epsilon);
  }
}

constexpr VectorKernels vector_kernels() {
  return {convert,
          add,
          store_tile,
          dot,
          gemv,
          rms_norm,
          rms_norm_backward,
          head_norm_rope,
          head_norm_rope_backward,
          swiglu,
          swiglu_backward,
          dropout,
          max,
          sum_exp,
          softmax_gradient,
          sum_of_squares,
          adamw};
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
