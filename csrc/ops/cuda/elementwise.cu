// SwiGLU, dropout and addition. Bound by memory: each operand is read or written once, with one thread per 8 elements.
#include "ops/cuda/dropout.h"
#include "ops/cuda/kernels.h"

namespace vq::cuda {
namespace {

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// plain: y is stored; drops: the masked copy too.
template <int N>
__global__ void swiglu_kernel(Rows y, Rows gate_up, int64_t cols, bool plain, bool drops, DropoutRows fused) {
  const int64_t row = blockIdx.x;
  float gate[N], up[N];
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    gate_up.load(gate, row, c);
    gate_up.load(up, row, cols + c);
#pragma unroll
    for (int i = 0; i < N; i++) up[i] *= gate[i] * sigmoid(gate[i]);
    if (plain) y.store(up, row, c);
    if (drops) fused.store(up, row, c, cols);
  }
}

template <int N>
__global__ void swiglu_backward_kernel(Rows d_gate_up, Rows dy, Rows gate_up, int64_t cols, bool drops,
                                       DropoutRows fused) {
  const int64_t row = blockIdx.x;
  float gate[N], up[N], g[N];
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    gate_up.load(gate, row, c);
    gate_up.load(up, row, cols + c);
    dy.load(g, row, c);
    if (drops) fused.add(g, row, c, cols);
#pragma unroll
    for (int i = 0; i < N; i++) {
      const float s = sigmoid(gate[i]), d_up = g[i] * gate[i] * s;
      gate[i] = g[i] * up[i] * s * (1.0f + gate[i] * (1.0f - s));
      up[i] = d_up;
    }
    d_gate_up.store(gate, row, c);
    d_gate_up.store(up, row, cols + c);
  }
}

template <int N>
__global__ void dropout_kernel(Rows y, Rows x, int64_t cols, DropoutMask mask, bool accumulate) {
  const int64_t row = blockIdx.x;
  float v[N], old[N] = {};
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    x.load(v, row, c);
    if (accumulate) y.load(old, row, c);
    drop(v, mask, row * cols + c);
#pragma unroll
    for (int i = 0; i < N; i++) v[i] += old[i];
    y.store(v, row, c);
  }
}

template <int N>
__global__ void add_kernel(Rows y, Rows a, Rows b, int64_t cols) {
  const int64_t row = blockIdx.x;
  float v[N], w[N];
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    a.load(v, row, c);
    b.load(w, row, c);
#pragma unroll
    for (int i = 0; i < N; i++) v[i] += w[i];
    y.store(v, row, c);
  }
}

// The second half of a row of gate_up also starts at a unit boundary.
bool halves_in_units(const Tensor& gate_up) { return in_units(gate_up.columns(0, gate_up.cols / 2), kWide); }

}  // namespace

void swiglu(Stream stream, const Tensor& y, const Tensor& gate_up, const FusedDropout& fused) {
  const Tensor& out = y.empty() ? fused.x : y;
  if (out.rows == 0) return;
  const bool wide = in_units(y, kWide) && in_units(fused.x, kWide) && halves_in_units(gate_up);
  launch(over_elements(stream, out.rows, out.cols, wide ? kWide : 1), wide ? swiglu_kernel<kWide> : swiglu_kernel<1>,
         rows_of(y), rows_of(gate_up), out.cols, !y.empty(), !fused.x.empty(), fused_of(fused));
}

void swiglu_backward(Stream stream, const Tensor& d_gate_up, const Tensor& dy, const Tensor& gate_up,
                     const FusedDropout& fused) {
  if (dy.rows == 0) return;
  const bool wide =
      in_units(dy, kWide) && in_units(fused.x, kWide) && halves_in_units(gate_up) && halves_in_units(d_gate_up);
  const auto kernel = wide ? swiglu_backward_kernel<kWide> : swiglu_backward_kernel<1>;
  launch(over_elements(stream, dy.rows, dy.cols, wide ? kWide : 1), kernel, rows_of(d_gate_up), rows_of(dy),
         rows_of(gate_up), dy.cols, !fused.x.empty(), fused_of(fused));
}

void dropout(Stream stream, const Tensor& y, const Tensor& x, const DropoutKey& key, bool accumulate) {
  if (y.rows == 0) return;
  const bool wide = all_in_units(kWide, y, x);
  launch(over_elements(stream, y.rows, y.cols, wide ? kWide : 1), wide ? dropout_kernel<kWide> : dropout_kernel<1>,
         rows_of(y), rows_of(x), y.cols, dropout_mask(key), accumulate);
}

void add(Stream stream, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (y.rows == 0) return;
  const bool wide = all_in_units(kWide, y, a, b);
  launch(over_elements(stream, y.rows, y.cols, wide ? kWide : 1), wide ? add_kernel<kWide> : add_kernel<1>, rows_of(y),
         rows_of(a), rows_of(b), y.cols);
}

}  // namespace vq::cuda
