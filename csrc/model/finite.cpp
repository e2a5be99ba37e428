#include "model/finite.h"

#include <algorithm>
#include <atomic>

namespace vq {

namespace {

// An element is not finite if all bits of its exponent are set.
template <class Word>
int64_t first_in_range(const Word* x, Word exponent, int64_t begin, int64_t end) {
  constexpr int64_t kAtOnce = 4096;  // without a branch, so that the loop becomes vector instructions
  for (int64_t first = begin; first < end; first += kAtOnce) {
    const int64_t last = std::min(first + kAtOnce, end);
    Word any = 0;
    for (int64_t i = first; i < last; i++) any |= static_cast<Word>((x[i] & exponent) == exponent);
    if (!any) continue;
    return std::find_if(x + first, x + last, [&](Word w) { return (w & exponent) == exponent; }) - x;
  }
  return -1;
}

template <class Word>
int64_t first_of(const void* data, Word exponent, int64_t n, Pool& threads) {
  constexpr int64_t kPart = 1 << 20;
  std::atomic<int64_t> found{n};
  threads.run((n + kPart - 1) / kPart, n / 4, [&](int64_t part, int) {
    if (part * kPart >= found.load(std::memory_order_relaxed)) return;
    const int64_t at =
        first_in_range(static_cast<const Word*>(data), exponent, part * kPart, std::min((part + 1) * kPart, n));
    if (at < 0) return;
    for (int64_t before = found; at < before && !found.compare_exchange_weak(before, at);) {
    }
  });
  return found < n ? found.load() : -1;
}

}  // namespace

int64_t first_not_finite(const void* data, DType dtype, int64_t n, Pool& threads) {
  switch (dtype) {
    case DType::f32:
      return first_of<uint32_t>(data, 0x7f800000, n, threads);
    case DType::bf16:
      return first_of<uint16_t>(data, 0x7f80, n, threads);
    case DType::f16:
      return first_of<uint16_t>(data, 0x7c00, n, threads);
  }
  return -1;
}

}  // namespace vq
