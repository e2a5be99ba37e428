// Normalization, element-wise ops, loss and optimizer: rows are split over threads, and each row is processed by the
// vector kernels.
#include <cmath>

#include "ops/cpu/device.h"

namespace vq::cpu {

namespace {

// Row t of y = dropout(x) (+ y).
void drop_row(const VectorKernels& vec, const DropoutMask& mask, const Tensor& y, const Tensor& x, int64_t t,
              bool accumulate) {
  // The keys change every 2^32 positions.
  for (int64_t i = 0; i < y.cols;) {
    const auto position = static_cast<uint64_t>(t * y.cols + i);
    const uint64_t left = (uint64_t{1} << 32) - (position & 0xffffffff);
    const int64_t n = static_cast<uint64_t>(y.cols - i) < left ? y.cols - i : static_cast<int64_t>(left);
    const auto from = [&](Run r) -> Run { return {static_cast<char*>(r.data) + i * elem_size(r.type), r.type}; };
    const Run in = from(run_at(x, t));
    const DropoutMask here = {dropout_keys(mask, position), mask.threshold, mask.scale};
    vec.dropout(from(run_at(y, t)), {in.data, in.type}, n, static_cast<uint32_t>(position), here, accumulate);
    i += n;
  }
}

}  // namespace

void CpuDevice::rms_norm(const Tensor& y, float* rstd, const Tensor& x, const float* w, float eps,
                         const FusedDropout& fused) {
  const Tensor& out = y.empty() ? fused.x : y;
  const DropoutMask mask = dropout_mask(fused.key);
  pool_.ranges(out.rows, out.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) {
      const float r = vec_.rms_norm(run_at(out, t), at(x, t), w, out.cols, eps);
      if (rstd) rstd[t] = r;
      if (!fused.x.empty()) drop_row(vec_, mask, fused.x, out, t, false);
    }
  });
}

void CpuDevice::rms_norm_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                                  const float* w, bool accumulate, const FusedDropout& fused, const Tensor& cast) {
  const DropoutMask mask = dropout_mask(fused.key);
  pool_.ranges(dx.rows, dx.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) {
      if (!fused.x.empty()) drop_row(vec_, mask, dy, fused.x, t, true);
      vec_.rms_norm_backward(run_at(dx, t), at(dy, t), at(x, t), rstd[t], w, dx.cols, accumulate);
      if (!cast.empty()) vec_.convert(run_at(cast, t), at(dx, t), dx.cols);
    }
  });
}

void CpuDevice::head_norm_rope(const Tensor& y, float* rstd, const Tensor& x, const float* w, int head_dim, float eps,
                               const float* cos_sin, const int32_t* positions) {
  const int64_t heads = y.cols / head_dim;
  pool_.ranges(y.rows, y.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++)
      vec_.head_norm_rope(run_at(y, t), rstd + t * heads, at(x, t), w, heads, head_dim, eps,
                          cos_sin + int64_t{positions[t]} * head_dim);
  });
}

void CpuDevice::head_norm_rope_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                                        const float* w, int head_dim, const float* cos_sin, const int32_t* positions) {
  const int64_t heads = dx.cols / head_dim;
  pool_.ranges(dx.rows, dx.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++)
      vec_.head_norm_rope_backward(run_at(dx, t), at(dy, t), at(x, t), rstd + t * heads, w, heads, head_dim,
                                   cos_sin + int64_t{positions[t]} * head_dim);
  });
}

void CpuDevice::swiglu(const Tensor& y, const Tensor& gate_up, const FusedDropout& fused) {
  const Tensor& out = y.empty() ? fused.x : y;
  const Tensor gate = gate_up.columns(0, out.cols), up = gate_up.columns(out.cols, out.cols);
  const DropoutMask mask = dropout_mask(fused.key);
  pool_.ranges(out.rows, out.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) {
      vec_.swiglu(run_at(out, t), at(gate, t), at(up, t), out.cols);
      if (!fused.x.empty()) drop_row(vec_, mask, fused.x, out, t, false);
    }
  });
}

void CpuDevice::swiglu_backward(const Tensor& d_gate_up, const Tensor& dy, const Tensor& gate_up,
                                const FusedDropout& fused) {
  const int64_t f = dy.cols;
  const Tensor gate = gate_up.columns(0, f), up = gate_up.columns(f, f);
  const Tensor d_gate = d_gate_up.columns(0, f), d_up = d_gate_up.columns(f, f);
  const DropoutMask mask = dropout_mask(fused.key);
  pool_.ranges(dy.rows, f, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) {
      if (!fused.x.empty()) drop_row(vec_, mask, dy, fused.x, t, true);
      vec_.swiglu_backward(run_at(d_gate, t), run_at(d_up, t), at(dy, t), at(gate, t), at(up, t), f);
    }
  });
}

void CpuDevice::dropout(const Tensor& y, const Tensor& x, const DropoutKey& key, bool accumulate) {
  const DropoutMask mask = dropout_mask(key);
  pool_.ranges(y.rows, y.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) drop_row(vec_, mask, y, x, t, accumulate);
  });
}

void CpuDevice::add(const Tensor& y, const Tensor& a, const Tensor& b) {
  pool_.ranges(y.rows, y.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) vec_.add(run_at(y, t), at(a, t), at(b, t), y.cols);
  });
}

void CpuDevice::gather_rows(const Tensor& y, const Tensor& x, const int32_t* rows) {
  pool_.ranges(y.rows, y.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) vec_.convert(run_at(y, t), at(x, rows[t]), y.cols);
  });
}

void CpuDevice::scatter_rows(const Tensor& y, const Tensor& x, const int32_t* rows) {
  pool_.ranges(x.rows, x.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) vec_.convert(run_at(y, rows[t]), at(x, t), x.cols);
  });
}

void CpuDevice::scatter_add_rows(const Tensor& y, const Tensor& x, const int32_t* rows) {
  pool_.ranges(x.rows, x.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) vec_.add(run_at(y, rows[t]), at(y, rows[t]), at(x, t), x.cols);
  });
}

void CpuDevice::cross_entropy(float* loss, const Tensor& logits, const int32_t* labels, const float* weights,
                              bool gradient) {
  const int64_t n = logits.cols;
  pool_.ranges(logits.rows, 2 * n, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) {
      float* x = static_cast<float*>(run_at(logits, t).data);
      const float top = vec_.max(x, n);
      const float lse = top + std::log(vec_.sum_exp(x, n, top));
      loss[t] = weights[t] * (lse - x[labels[t]]);
      if (!gradient) continue;
      vec_.softmax_gradient(x, n, lse, weights[t]);
      x[labels[t]] -= weights[t];
    }
  });
}

void CpuDevice::score_rows(float* log_prob, int32_t* argmax, const Tensor& logits, const int32_t* labels) {
  const int64_t n = logits.cols;
  pool_.ranges(logits.rows, 2 * n, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) {
      const float* x = static_cast<const float*>(at(logits, t).data);
      const float top = vec_.max(x, n);
      log_prob[t] = x[labels[t]] - (top + std::log(vec_.sum_exp(x, n, top)));
      int64_t first = 0;
      while (first < n - 1 && x[first] != top) first++;
      argmax[t] = static_cast<int32_t>(first);
    }
  });
}

// Sums parts of a fixed length in order: the result depends on n alone, not on the number of threads.
void CpuDevice::accumulate_sum_of_squares(double* sum, const float* x, int64_t n) {
  constexpr int64_t kParts = 256;
  double parts[kParts];
  for (int64_t begin = 0; begin < n; begin += kSquaresPart * kParts) {
    const int64_t count = std::min(n - begin, kSquaresPart * kParts);
    squares_of_parts(parts, x + begin, count);
    for (int64_t i = 0; i * kSquaresPart < count; i++) *sum += parts[i];
  }
}

void CpuDevice::squares_of_parts(double* parts, const float* x, int64_t n) {
  pool_.run((n + kSquaresPart - 1) / kSquaresPart, n / 2, [&](int64_t i, int) {
    parts[i] = vec_.sum_of_squares(x + i * kSquaresPart, std::min(n - i * kSquaresPart, kSquaresPart));
  });
}

void CpuDevice::fold(float* sum, const float* x, int64_t n, float factor) {
  pool_.ranges(n, 1, [&](int64_t begin, int64_t end, int) {
    const int64_t count = end - begin;
    vec_.store_tile(x + begin, count, 1, count, {sum + begin, Elem::f32}, count, factor, {sum + begin, Elem::f32},
                    count);
  });
}

void CpuDevice::accumulate_sum(double* sum, const float* x, int64_t n) {
  for (int64_t i = 0; i < n; i++) *sum += x[i];
}

void CpuDevice::finish_grad_norm(GradNormState* state, double normalizer, double max_norm) {
  const double norm = std::sqrt(state->squares) / normalizer;
  double scale = 1 / normalizer;
  if (max_norm > 0) scale *= std::min(1.0, max_norm / (norm + 1e-6));
  state->gradient_scale = static_cast<float>(scale);
  state->not_finite = !(std::isfinite(state->loss) && std::isfinite(norm));
}

void CpuDevice::adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& how,
                      const GradNormState* state) {
  if (state->not_finite) return;
  const AdamWStep step = adamw_step(how);
  pool_.ranges(n, 2, [&](int64_t begin, int64_t end, int) {
    vec_.adamw(p + begin, m + begin, v + begin, g + begin, end - begin, step, state->gradient_scale);
  });
}

}  // namespace vq::cpu
