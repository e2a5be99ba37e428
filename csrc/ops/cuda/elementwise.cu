// SwiGLU, dropout and addition. Bound by memory: each operand is read or written once, a thread for every 8 elements.
#include <cmath>

#include "ops/cuda/kernels.h"
#include "ops/cuda/rows.h"

namespace vq::cuda {
namespace {

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <int N>
__global__ void swiglu_kernel(Rows y, Rows gate_up, int64_t cols) {
  const int64_t row = blockIdx.x;
  float gate[N], up[N];
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    gate_up.load(gate, row, c);
    gate_up.load(up, row, cols + c);
#pragma unroll
    for (int i = 0; i < N; i++) up[i] *= gate[i] * sigmoid(gate[i]);
    y.store(up, row, c);
  }
}

template <int N>
__global__ void swiglu_backward_kernel(Rows d_gate_up, Rows dy, Rows gate_up, int64_t cols) {
  const int64_t row = blockIdx.x;
  float gate[N], up[N], g[N];
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    gate_up.load(gate, row, c);
    gate_up.load(up, row, cols + c);
    dy.load(g, row, c);
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

// The generator of ops/cpu/isa/elementwise.h: a word for each position, from it and two keys alone.
__device__ __forceinline__ uint32_t random_word(uint32_t position, uint32_t key0, uint32_t key1) {
  uint32_t x = position * 0x9e3779b1u + key0;
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15) ^ key1) * 0x846ca68bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  return x ^ (x >> 16);
}
// The finalizer of SplitMix64, which makes the keys.
__host__ __device__ inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

struct Mask {
  uint64_t base;       // the keys of the first 2^32 positions
  uint32_t threshold;  // kept when the word is at least this
  float scale;
};

template <int N>
__global__ void dropout_kernel(Rows y, Rows x, int64_t cols, Mask mask, bool accumulate) {
  const int64_t row = blockIdx.x;
  float v[N], old[N] = {};
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    x.load(v, row, c);
    if (accumulate) y.load(old, row, c);
#pragma unroll
    for (int i = 0; i < N; i++) {
      const auto position = static_cast<uint64_t>(row * cols + c + i);
      const uint64_t keys = position >> 32 ? mix(mask.base ^ (position >> 32)) : mask.base;
      const uint32_t word =
          random_word(static_cast<uint32_t>(position), static_cast<uint32_t>(keys), static_cast<uint32_t>(keys >> 32));
      v[i] = old[i] + (word >= mask.threshold ? v[i] * mask.scale : 0.0f);
    }
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

// The second half of a row of gate_up begins on a unit too.
bool halves_in_units(const Tensor& gate_up) { return in_units(gate_up.columns(0, gate_up.cols / 2), kWide); }

}  // namespace

void swiglu(Stream stream, const Tensor& y, const Tensor& gate_up) {
  if (y.rows == 0) return;
  if (in_units(y, kWide) && halves_in_units(gate_up)) {
    launch(over_elements(stream, y.rows, y.cols, kWide), swiglu_kernel<kWide>, rows_of(y), rows_of(gate_up), y.cols);
  } else {
    launch(over_elements(stream, y.rows, y.cols, 1), swiglu_kernel<1>, rows_of(y), rows_of(gate_up), y.cols);
  }
}

void swiglu_backward(Stream stream, const Tensor& d_gate_up, const Tensor& dy, const Tensor& gate_up) {
  if (dy.rows == 0) return;
  const bool wide = in_units(dy, kWide) && halves_in_units(gate_up) && halves_in_units(d_gate_up);
  const auto kernel = wide ? swiglu_backward_kernel<kWide> : swiglu_backward_kernel<1>;
  launch(over_elements(stream, dy.rows, dy.cols, wide ? kWide : 1), kernel, rows_of(d_gate_up), rows_of(dy),
         rows_of(gate_up), dy.cols);
}

void dropout(Stream stream, const Tensor& y, const Tensor& x, const DropoutKey& key, bool accumulate) {
  if (y.rows == 0) return;
  const double threshold = std::round(static_cast<double>(key.p) * 4294967296.0);
  const Mask mask = {mix(mix(key.seed) ^ key.stream),
                     threshold >= 4294967295.0 ? UINT32_MAX : static_cast<uint32_t>(threshold),
                     key.p < 1 ? 1.0f / (1.0f - key.p) : 0.0f};
  const bool wide = all_in_units(kWide, y, x);
  launch(over_elements(stream, y.rows, y.cols, wide ? kWide : 1), wide ? dropout_kernel<kWide> : dropout_kernel<1>,
         rows_of(y), rows_of(x), y.cols, mask, accumulate);
}

void add(Stream stream, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (y.rows == 0) return;
  const bool wide = all_in_units(kWide, y, a, b);
  launch(over_elements(stream, y.rows, y.cols, wide ? kWide : 1), wide ? add_kernel<kWide> : add_kernel<1>, rows_of(y),
         rows_of(a), rows_of(b), y.cols);
}

}  // namespace vq::cuda
