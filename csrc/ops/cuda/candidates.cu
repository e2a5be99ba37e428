// Selects the tokens that can be sampled: one block per row, one warp per run of ids, so that the results stay in
// order. The logits are read three times (maximum, count, selection), the second and third time from the L2 cache. Mask
// words of zero are skipped.
#include <cmath>

#include "ops/cuda/kernels.h"
#include "ops/cuda/rows.h"

namespace vq::cuda {
namespace {

constexpr int kWarps = 32;

struct ChoiceRow {
  Global<const float> x;
  Global<const uint32_t> allowed;  // null: all
  int64_t n;

  // The mask word of ids [at, at + 32).
  __device__ __forceinline__ uint32_t word(int64_t at) const {
    if (!allowed) return kWholeWarp;
    return allowed[at / 32];
  }
  // Whether the lane's id in this word is allowed, and its logit.
  __device__ __forceinline__ bool has(uint32_t word, int64_t id, unsigned lane, float& logit) const {
    if (!(word >> lane & 1) || id >= n) return false;
    logit = x[id];
    return true;
  }
};

__global__ void select_candidates_kernel(Global<Candidate> out, int32_t most, Global<const float> logits,
                                         int64_t stride, int64_t n, Global<const uint32_t> allowed,
                                         Global<const double> below) {
  VQ_SHARED(float, tops, kWarps);
  VQ_SHARED(int32_t, counts, kWarps);
  const int64_t row = blockIdx.x, words = (n + 31) / 32;
  ChoiceRow r{logits + row * stride, nullptr, n};
  if (allowed) r.allowed = allowed + row * words;
  const Global<Candidate> to = out + row * (most + 1);
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int64_t each = (words + kWarps - 1) / kWarps * 32;  // ids per warp
  const int64_t begin = warp * each, end = begin + each < n ? begin + each : n;

  float top = -INFINITY, logit = 0;
  for (int64_t at = begin; at < end; at += 32) {
    const uint32_t word = r.word(at);
    if (word != 0 && r.has(word, at + lane, lane, logit) && logit > top) top = logit;
  }
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) top = fmaxf(top, __shfl_xor_sync(kWholeWarp, top, lanes));
  if (lane == 0) tops[warp] = top;
  __syncthreads();
  for (int w = 0; w < kWarps; w++) {
    const float other = tops[w];
    top = fmaxf(top, other);
  }
  const auto floor = static_cast<float>(top + below[row]);

  int32_t count = 0;
  for (int64_t at = begin; at < end; at += 32) {
    const uint32_t word = r.word(at);
    if (word == 0) continue;
    count += __popc(__ballot_sync(kWholeWarp, r.has(word, at + lane, lane, logit) && logit >= floor));
  }
  if (lane == 0) counts[warp] = count;
  __syncthreads();
  int32_t before = 0, all = 0;
  for (unsigned w = 0; w < kWarps; w++) {
    const int32_t found = counts[w];
    if (w < warp) before += found;
    all += found;
  }
  if (threadIdx.x == 0) to[0] = Candidate{all, top};
  if (count == 0) return;

  for (int64_t at = begin; at < end && before < most; at += 32) {
    const uint32_t word = r.word(at);
    if (word == 0) continue;
    const bool found = r.has(word, at + lane, lane, logit) && logit >= floor;
    const uint32_t ballot = __ballot_sync(kWholeWarp, found);
    const int32_t place = before + __popc(ballot & ((1u << lane) - 1));
    if (found && place < most) to[1 + place] = Candidate{static_cast<int32_t>(at + lane), logit};
    before += __popc(ballot);
  }
}

}  // namespace

void select_candidates(Stream stream, Candidate* out, int32_t most, const Tensor& logits, const uint32_t* allowed,
                       const double* below) {
  if (logits.rows == 0) return;
  launch(Launch{static_cast<unsigned>(logits.rows), kWarps * 32, stream}, select_candidates_kernel, out, most,
         static_cast<const float*>(logits.data), logits.stride, logits.cols, allowed, below);
}

}  // namespace vq::cuda
