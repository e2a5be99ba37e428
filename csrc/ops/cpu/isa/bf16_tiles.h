// GEMMs of bf16 panels with a pairwise dot product instruction: dot_pairs(acc, a, b) adds to each lane of acc both
// products of its pair in a and b. The including file defines it in this namespace, for W = 16. Zen 5 issues two per
// cycle: 97-100% of that with panels in L2.
#pragma once

#include "ops/cpu/isa/panels.h"

namespace vq::cpu::VQ_ISA {
namespace {

template <int MR>
void bf16_tiles(int64_t k, const void* a_panels, int64_t a_stride, int64_t count, const void* b_panel, float* c,
                int64_t c_stride, bool accumulate, Prefetch ahead) {
  constexpr int NR = 2 * W, KA = NR;
  Fetch fetch(ahead, count * ((k + 1) / KA));
  for (int64_t t = 0; t < count; t++, c += c_stride) {
    const uint32_t* a = (const uint32_t*)((const uint16_t*)a_panels + t * a_stride);  // pairs along k
    const uint32_t* b = (const uint32_t*)b_panel;
    vf acc[MR][2];
    for (int m = 0; m < MR; m++)
      for (int v = 0; v < 2; v++) acc[m][v] = accumulate ? load(c + m * NR + v * W) : vf{};
    const auto step = [&](int64_t pair) __attribute__((always_inline)) {
      const vu b0 = *(const vu_any*)(b + pair * NR), b1 = *(const vu_any*)(b + pair * NR + W);
      for (int m = 0; m < MR; m++) {
        const vu pairs = splat_word(a[m * KA / 2 + pair]);
        acc[m][0] = dot_pairs(acc[m][0], pairs, b0);
        acc[m][1] = dot_pairs(acc[m][1], pairs, b1);
      }
    };
    int64_t left = (k + 1) / 2;
    for (; left >= KA / 2; left -= KA / 2, a += MR * KA / 2, b += NR * KA / 2) {
      fetch.step();
#pragma GCC unroll 16
      for (int i = 0; i < KA / 2; i++) step(i);
    }
    for (int64_t i = 0; i < left; i++) step(i);
    for (int m = 0; m < MR; m++)
      for (int v = 0; v < 2; v++) store(c + m * NR + v * W, acc[m][v]);
  }
}

template <int MR>
constexpr PanelKernel bf16_panels(const char* name, int64_t kc, int64_t mc, int64_t nc) {
  constexpr int NR = 2 * W;
  return {name, MR, NR, 2, Elem::bf16, kc, mc, nc, bf16_tiles<MR>, pack_a<MR, NR, uint16_t>, pack_b<NR, NR, uint16_t>};
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
