// Cross-entropy and scores over rows of logits, one block per row. Bound by memory: the logits are read once for
// maximum and sum together; with a gradient they are read and written once more.
#include <cmath>

#include "ops/cuda/kernels.h"
#include "ops/cuda/rows.h"

namespace vq::cuda {
namespace {

constexpr int64_t kThreads = 512;

// A maximum, its smallest index, and the sum of exp(x - maximum).
struct Softmax {
  float top;
  int32_t index;
  float sum;
};

__device__ __forceinline__ Softmax joined(const Softmax& a, const Softmax& b) {
  const bool first = a.top > b.top || (a.top == b.top && a.index < b.index);
  const Softmax& more = first ? a : b;
  const Softmax& less = first ? b : a;
  const float shrink = less.top == more.top ? 1.0f : expf(less.top - more.top);  // both can be -inf
  return {more.top, more.index, more.sum + less.sum * shrink};
}

__device__ __forceinline__ Softmax warp_joined(Softmax s) {
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    s = joined(s, {__shfl_xor_sync(kWholeWarp, s.top, lanes), __shfl_xor_sync(kWholeWarp, s.index, lanes),
                   __shfl_xor_sync(kWholeWarp, s.sum, lanes)});
  }
  return s;
}

// Reduces over a whole row; all threads of the block get the result.
__device__ Softmax row_softmax(Global<const float> x, int64_t n) {
  VQ_SHARED(Softmax, part, 32);
  const Softmax none = {-INFINITY, INT32_MAX, 0};
  Softmax s = none;
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
    const float v = x[i];
    s = joined(s, {v, static_cast<int32_t>(i), 1});
  }
  s = warp_joined(s);
  const unsigned lane = threadIdx.x % 32, warps = blockDim.x / 32;
  if (lane == 0) part[threadIdx.x / 32] = s;
  __syncthreads();
  s = none;
  if (lane < warps) s = part[lane];
  return warp_joined(s);
}

__global__ void cross_entropy_kernel(Global<float> loss, Global<float> logits, int64_t stride, int64_t n,
                                     Global<const int32_t> labels, Global<const float> weights, bool gradient) {
  const int64_t row = blockIdx.x;
  const Global<float> x = logits + row * stride;
  const float weight = weights[row];
  const int32_t label = labels[row];
  float target = 0;
  if (threadIdx.x == 0) target = x[label];  // before any thread writes its gradient
  const Softmax s = row_softmax(x, n);
  const float lse = s.top + logf(s.sum);
  if (threadIdx.x == 0) loss[row] = weight * (lse - target);
  if (!gradient) return;
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
    const float v = x[i];
    x[i] = weight * expf(v - lse) - (i == label ? weight : 0.0f);
  }
}

__global__ void score_kernel(Global<float> log_prob, Global<int32_t> argmax, Global<const float> logits, int64_t stride,
                             int64_t n, Global<const int32_t> labels) {
  const int64_t row = blockIdx.x;
  const Global<const float> x = logits + row * stride;
  const Softmax s = row_softmax(x, n);
  if (threadIdx.x != 0) return;
  const int32_t label = labels[row];
  const float target = x[label];
  log_prob[row] = target - (s.top + logf(s.sum));
  argmax[row] = s.index;
}

Launch block_a_row(Stream stream, const Tensor& logits) {
  return {static_cast<unsigned>(logits.rows), threads_for(logits.cols, kThreads), stream};
}

}  // namespace

void cross_entropy(Stream stream, float* loss, const Tensor& logits, const int32_t* labels, const float* weights,
                   bool gradient) {
  if (logits.rows == 0) return;
  launch(block_a_row(stream, logits), cross_entropy_kernel, loss, static_cast<float*>(logits.data), logits.stride,
         logits.cols, labels, weights, gradient);
}

void score_rows(Stream stream, float* log_prob, int32_t* argmax, const Tensor& logits, const int32_t* labels) {
  if (logits.rows == 0) return;
  launch(block_a_row(stream, logits), score_kernel, log_prob, argmax, static_cast<const float*>(logits.data),
         logits.stride, logits.cols, labels);
}

}  // namespace vq::cuda
