// Selects the tokens that can be sampled. Mask words of zero, of which most masks have many, are skipped.
#include <bit>
#include <cmath>

#include "ops/cpu/device.h"

namespace vq::cpu {
namespace {

// Calls use(id) for each allowed id below n, in ascending order.
template <class Use>
void each_allowed(const uint32_t* allowed, int64_t n, Use use) {
  if (!allowed) {
    for (int64_t i = 0; i < n; i++) use(i);
    return;
  }
  for (int64_t word = 0; word * 32 < n; word++)
    for (uint32_t bits = allowed[word]; bits; bits &= bits - 1) {
      const int64_t i = word * 32 + std::countr_zero(bits);
      if (i < n) use(i);
    }
}

void select_row(Candidate* out, int32_t most, const float* x, int64_t n, const uint32_t* allowed, double below) {
  float top = -INFINITY;
  each_allowed(allowed, n, [&](int64_t i) { top = x[i] > top ? x[i] : top; });
  const auto floor = static_cast<float>(top + below);
  int32_t count = 0;
  each_allowed(allowed, n, [&](int64_t i) {
    if (!(x[i] >= floor)) return;
    if (count < most) out[1 + count] = {static_cast<int32_t>(i), x[i]};
    count++;
  });
  out[0] = {count, top};
}

}  // namespace

void CpuDevice::select_candidates(Candidate* out, int32_t most, const Tensor& logits, const uint32_t* allowed,
                                  const double* below) {
  const int64_t n = logits.cols, words = (n + 31) / 32;
  pool_.ranges(logits.rows, 2 * n, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) {
      select_row(out + t * (most + 1), most, static_cast<const float*>(at(logits, t).data), n,
                 allowed ? allowed + t * words : nullptr, below[t]);
    }
  });
}

}  // namespace vq::cpu
