// RMSNorm over rows, and per head with rotary embedding.
//
// Bound by memory: rms_norm reads x and writes y; its backward reads x and dy (and dx) and writes dx; the second read
// of a row comes from the cache. One block per row; one warp per head of a row.
#include "ops/cuda/dropout.h"
#include "ops/cuda/kernels.h"

namespace vq::cuda {
namespace {

// plain: y is stored; drops: the masked copy too.
template <int N>
__global__ void rms_norm_kernel(Rows y, Global<float> rstd, Rows x, Global<const float> w, int64_t cols, float eps,
                                bool plain, bool drops, DropoutRows fused) {
  const int64_t row = blockIdx.x, first = static_cast<int64_t>(threadIdx.x) * N, step = int64_t{blockDim.x} * N;
  float v[N], weight[N];
  float sum = 0;
  for (int64_t c = first; c < cols; c += step) {
    x.load(v, row, c);
#pragma unroll
    for (int i = 0; i < N; i++) sum += v[i] * v[i];
  }
  const float r = 1.0f / sqrtf(block_sum(sum) / static_cast<float>(cols) + eps);
  if (rstd && threadIdx.x == 0) rstd[row] = r;
  for (int64_t c = first; c < cols; c += step) {
    x.load(v, row, c);
    load<N, float>(weight, w + c);
#pragma unroll
    for (int i = 0; i < N; i++) v[i] = v[i] * r * weight[i];
    if (plain) y.store(v, row, c);
    if (drops) fused.store(v, row, c, cols);
  }
}

// With h = x * rstd: dx = rstd * (dy w - h * mean(dy w h)). casts: dx is stored in cast too.
template <int N>
__global__ void rms_norm_backward_kernel(Rows dx, Rows dy, Rows x, Global<const float> rstd, Global<const float> w,
                                         int64_t cols, bool accumulate, bool drops, DropoutRows fused, bool casts,
                                         Rows cast) {
  const int64_t row = blockIdx.x, first = static_cast<int64_t>(threadIdx.x) * N, step = int64_t{blockDim.x} * N;
  float g[N], v[N], weight[N], old[N] = {};
  float sum = 0;
  for (int64_t c = first; c < cols; c += step) {
    dy.load(g, row, c);
    if (drops) fused.add(g, row, c, cols);
    x.load(v, row, c);
    load<N, float>(weight, w + c);
#pragma unroll
    for (int i = 0; i < N; i++) sum += g[i] * weight[i] * v[i];
  }
  const float r = rstd[row];
  const float pull = block_sum(sum) * r * r / static_cast<float>(cols);
  for (int64_t c = first; c < cols; c += step) {
    dy.load(g, row, c);
    if (drops) fused.add(g, row, c, cols);
    x.load(v, row, c);
    load<N, float>(weight, w + c);
    if (accumulate) dx.load(old, row, c);
#pragma unroll
    for (int i = 0; i < N; i++) v[i] = old[i] + r * (g[i] * weight[i] - v[i] * pull);
    dx.store(v, row, c);
    if (casts) cast.store(v, row, c);
  }
}

// The row and head of the warp.
struct HeadOfRow {
  int64_t row, head;
};
constexpr int kHeadsOfBlock = 4;

__device__ __forceinline__ int64_t head_index() {
  return static_cast<int64_t>(blockIdx.x) * kHeadsOfBlock + threadIdx.x / 32;
}

template <int N>
__global__ void head_norm_rope_kernel(Rows y, Global<float> rstd, Rows x, Global<const float> w, int64_t rows,
                                      int64_t heads, int head_dim, float eps, Global<const float> cos_sin,
                                      Global<const int32_t> positions) {
  const int64_t index = head_index();
  if (index >= rows * heads) return;
  const int64_t row = index / heads, begin = index % heads * head_dim;
  const int half = head_dim / 2, lane = threadIdx.x % 32;
  float a[N], b[N], wa[N], wb[N], cos[N], sin[N];
  float sum = 0;
  for (int c = lane * N; c < half; c += 32 * N) {
    x.load(a, row, begin + c);
    x.load(b, row, begin + half + c);
#pragma unroll
    for (int i = 0; i < N; i++) sum += a[i] * a[i] + b[i] * b[i];
  }
  const float r = 1.0f / sqrtf(warp_sum(sum) / static_cast<float>(head_dim) + eps);
  if (lane == 0) rstd[index] = r;
  const int32_t position = positions[row];
  const Global<const float> turn = cos_sin + static_cast<int64_t>(position) * head_dim;
  for (int c = lane * N; c < half; c += 32 * N) {
    x.load(a, row, begin + c);
    x.load(b, row, begin + half + c);
    load<N, float>(wa, w + c);
    load<N, float>(wb, w + half + c);
    load<N, float>(cos, turn + c);
    load<N, float>(sin, turn + half + c);
#pragma unroll
    for (int i = 0; i < N; i++) {
      const float na = a[i] * r * wa[i], nb = b[i] * r * wb[i];
      a[i] = na * cos[i] - nb * sin[i];
      b[i] = nb * cos[i] + na * sin[i];
    }
    y.store(a, row, begin + c);
    y.store(b, row, begin + half + c);
  }
}

template <int N>
__global__ void head_norm_rope_backward_kernel(Rows dx, Rows dy, Rows x, Global<const float> rstd,
                                               Global<const float> w, int64_t rows, int64_t heads, int head_dim,
                                               Global<const float> cos_sin, Global<const int32_t> positions) {
  const int64_t index = head_index();
  if (index >= rows * heads) return;
  const int64_t row = index / heads, begin = index % heads * head_dim;
  const int half = head_dim / 2, lane = threadIdx.x % 32;
  const int32_t position = positions[row];
  const Global<const float> turn = cos_sin + static_cast<int64_t>(position) * head_dim;
  float ga[N], gb[N], a[N], b[N], wa[N], wb[N], cos[N], sin[N];
  // The gradient of the normalized halves times w (the inverse rotation), in ga and gb.
  const auto turned_back = [&](int c) {
    dy.load(ga, row, begin + c);
    dy.load(gb, row, begin + half + c);
    load<N, float>(wa, w + c);
    load<N, float>(wb, w + half + c);
    load<N, float>(cos, turn + c);
    load<N, float>(sin, turn + half + c);
#pragma unroll
    for (int i = 0; i < N; i++) {
      const float up = ga[i], down = gb[i];
      ga[i] = (up * cos[i] + down * sin[i]) * wa[i];
      gb[i] = (down * cos[i] - up * sin[i]) * wb[i];
    }
  };
  float sum = 0;
  for (int c = lane * N; c < half; c += 32 * N) {
    turned_back(c);
    x.load(a, row, begin + c);
    x.load(b, row, begin + half + c);
#pragma unroll
    for (int i = 0; i < N; i++) sum += ga[i] * a[i] + gb[i] * b[i];
  }
  const float r = rstd[index];
  const float pull = warp_sum(sum) * r * r / static_cast<float>(head_dim);
  for (int c = lane * N; c < half; c += 32 * N) {
    turned_back(c);
    x.load(a, row, begin + c);
    x.load(b, row, begin + half + c);
#pragma unroll
    for (int i = 0; i < N; i++) {
      a[i] = r * (ga[i] - a[i] * pull);
      b[i] = r * (gb[i] - b[i] * pull);
    }
    dx.store(a, row, begin + c);
    dx.store(b, row, begin + half + c);
  }
}

Launch block_a_row(Stream stream, const Tensor& t, int64_t n) {
  return {static_cast<unsigned>(t.rows), threads_for(ceil_div(t.cols, n)), stream};
}
Launch warp_a_head(Stream stream, const Tensor& t, int64_t head_dim) {
  return {static_cast<unsigned>(ceil_div(t.rows * (t.cols / head_dim), kHeadsOfBlock)), 32 * kHeadsOfBlock, stream};
}
// Processes pairs of elements if both halves of a head allow it.
template <class... Tensors>
bool in_pairs(int head_dim, const Tensors&... t) {
  return head_dim % 4 == 0 && all_in_units(2, t...);
}

bool aligned(const float* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

}  // namespace

void rms_norm(Stream stream, const Tensor& y, float* rstd, const Tensor& x, const float* w, float eps,
              const FusedDropout& fused) {
  const Tensor& out = y.empty() ? fused.x : y;
  if (out.rows == 0) return;
  const bool wide = all_in_units(kWide, y, x, fused.x) && aligned(w);
  launch(block_a_row(stream, out, wide ? kWide : 1), wide ? rms_norm_kernel<kWide> : rms_norm_kernel<1>, rows_of(y),
         rstd, rows_of(x), w, out.cols, eps, !y.empty(), !fused.x.empty(), fused_of(fused));
}

void rms_norm_backward(Stream stream, const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                       const float* w, bool accumulate, const FusedDropout& fused, const Tensor& cast) {
  if (dx.rows == 0) return;
  const bool wide = all_in_units(kWide, dx, dy, x, fused.x, cast) && aligned(w);
  launch(block_a_row(stream, dx, wide ? kWide : 1),
         wide ? rms_norm_backward_kernel<kWide> : rms_norm_backward_kernel<1>, rows_of(dx), rows_of(dy), rows_of(x),
         rstd, w, dx.cols, accumulate, !fused.x.empty(), fused_of(fused), !cast.empty(), rows_of(cast));
}

void head_norm_rope(Stream stream, const Tensor& y, float* rstd, const Tensor& x, const float* w, int head_dim,
                    float eps, const float* cos_sin, const int32_t* positions) {
  if (y.rows == 0) return;
  const auto kernel = in_pairs(head_dim, y, x) ? head_norm_rope_kernel<2> : head_norm_rope_kernel<1>;
  launch(warp_a_head(stream, y, head_dim), kernel, rows_of(y), rstd, rows_of(x), w, y.rows, y.cols / head_dim, head_dim,
         eps, cos_sin, positions);
}

void head_norm_rope_backward(Stream stream, const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                             const float* w, int head_dim, const float* cos_sin, const int32_t* positions) {
  if (dx.rows == 0) return;
  const auto kernel =
      in_pairs(head_dim, dx, dy, x) ? head_norm_rope_backward_kernel<2> : head_norm_rope_backward_kernel<1>;
  launch(warp_a_head(stream, dx, head_dim), kernel, rows_of(dx), rows_of(dy), rows_of(x), rstd, w, dx.rows,
         dx.cols / head_dim, head_dim, cos_sin, positions);
}

}  // namespace vq::cuda
