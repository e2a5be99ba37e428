// The gradient norm and AdamW over one flat vector. Bound by memory: 4 and 28 bytes per parameter.
#include <cmath>

#include "ops/cuda/kernels.h"
#include "ops/cuda/rows.h"

namespace vq::cuda {
namespace {

constexpr unsigned kThreads = 256;

// Splits the vector into kSumParts parts of a length that depends on n alone, one block each; then sums the parts in
// order.
__global__ void part_sums_kernel(Global<double> parts, Global<const float> x, int64_t length, int64_t n) {
  const int64_t begin = blockIdx.x * length, end = begin + length < n ? begin + length : n;
  double sum = 0;
  for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
    const float v = x[i];
    sum += static_cast<double>(v) * v;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

__global__ void total_kernel(Global<double> sum, Global<const double> parts, int count) {
  double total = 0;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) total += parts[i];
  total = block_sum(total);
  if (threadIdx.x == 0) sum[0] += total;
}

__global__ void fold_kernel(Global<float> sum, Global<const float> x, int64_t n, float factor) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
    const float before = sum[i], more = x[i];
    sum[i] = fmaf(factor, more, before);
  }
}

// One block is enough: there are few losses.
__global__ void sum_kernel(Global<double> sum, Global<const float> x, int64_t n) {
  double total = 0;
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
    const float v = x[i];
    total += v;
  }
  total = block_sum(total);
  if (threadIdx.x == 0) sum[0] += total;
}

__global__ void grad_norm_kernel(Global<GradNormState> state, double normalizer, double max_norm) {
  GradNormState s = state[0];
  const double norm = sqrt(s.squares) / normalizer;
  double scale = 1 / normalizer;
  const double clip = max_norm / (norm + 1e-6);
  if (max_norm > 0 && clip < 1) scale *= clip;
  s.gradient_scale = static_cast<float>(scale);
  s.not_finite = !(s.loss - s.loss == 0 && norm - norm == 0);  // neither NaN nor infinite
  state[0] = s;
}

template <int N>
__global__ void adamw_kernel(Global<float> p, Global<float> m, Global<float> v, Global<const float> g, int64_t n,
                             AdamWStep how, Global<const GradNormState> state) {
  const GradNormState norm = state[0];
  if (norm.not_finite) return;
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x * N;
  float param[N], mean[N], square[N], gradient[N];
  for (int64_t at = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * N; at < n; at += step) {
    load<N, float>(param, p + at);
    load<N, float>(mean, m + at);
    load<N, float>(square, v + at);
    load<N, float>(gradient, g + at);
#pragma unroll
    for (int i = 0; i < N; i++) {
      const float d = gradient[i] * norm.gradient_scale;
      mean[i] = how.beta1 * mean[i] + (1.0f - how.beta1) * d;
      square[i] = how.beta2 * square[i] + (1.0f - how.beta2) * d * d;
      param[i] = param[i] * how.decay - how.step_size * mean[i] / (sqrtf(square[i]) * how.root_scale + how.epsilon);
    }
    store<N, float>(mean, m + at);
    store<N, float>(square, v + at);
    store<N, float>(param, p + at);
  }
}

bool aligned(const float* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

}  // namespace

void accumulate_sum_of_squares(Stream stream, double* sum, double* parts, const float* x, int64_t n) {
  if (n == 0) return;
  const int64_t length = ceil_div(n, kSumParts), count = ceil_div(n, length);
  launch(Launch{static_cast<unsigned>(count), threads_for(length), stream}, part_sums_kernel, parts, x, length, n);
  launch(Launch{1, threads_for(count), stream}, total_kernel, sum, parts, count);
}

void squares_of_parts(Stream stream, double* parts, const float* x, int64_t n) {
  if (n == 0) return;
  launch(Launch{static_cast<unsigned>(ceil_div(n, kSquaresPart)), threads_for(kSquaresPart), stream}, part_sums_kernel,
         parts, x, kSquaresPart, n);
}

void fold(Stream stream, float* sum, const float* x, int64_t n, float factor) {
  if (n == 0) return;
  const auto blocks = static_cast<unsigned>(std::min<int64_t>(ceil_div(n, kThreads), 1 << 16));
  launch(Launch{blocks, threads_for(n, kThreads), stream}, fold_kernel, sum, x, n, factor);
}

void accumulate_sum(Stream stream, double* sum, const float* x, int64_t n) {
  if (n == 0) return;
  launch(Launch{1, threads_for(n), stream}, sum_kernel, sum, x, n);
}

void finish_grad_norm(Stream stream, GradNormState* state, double normalizer, double max_norm) {
  launch(Launch{1, 1, stream}, grad_norm_kernel, state, normalizer, max_norm);
}

void adamw(Stream stream, float* p, float* m, float* v, const float* g, int64_t n, const AdamW& how,
           const GradNormState* state) {
  if (n == 0) return;
  constexpr int kAtOnce = 4;
  const bool wide = n % kAtOnce == 0 && aligned(p) && aligned(m) && aligned(v) && aligned(g);
  const int64_t units = wide ? n / kAtOnce : n;
  const auto blocks = static_cast<unsigned>(std::min<int64_t>(ceil_div(units, kThreads), 1 << 16));
  launch(Launch{blocks, threads_for(units, kThreads), stream}, wide ? adamw_kernel<kAtOnce> : adamw_kernel<1>, p, m, v,
         g, n, adamw_step(how), state);
}

}  // namespace vq::cuda
