// GEMMs of bf16 panels on tile registers: 32 x 32 results in four tiles, two tiles of A (16 rows x 32 k) and two of B
// (16 pairs of k x 16 columns); each step of 32 k loads four tiles for four tile multiplications. The including file
// defines VQ_TILE_CONFIGURE(), VQ_TILE_RELEASE(), VQ_TILE_ZERO(t), VQ_TILE_LOAD(t, address, row stride in bytes),
// VQ_TILE_STORE(t, address, row stride in bytes) and VQ_TILE_DOT(c, a, b), where t, c, a, b are literal tile numbers.
#pragma once

#include "ops/cpu/isa/vec.h"

namespace vq::cpu::VQ_ISA {
namespace {

void tiles_32(int64_t k, const void* a_panels, int64_t a_stride, int64_t count, const void* b_panel, float* c,
              int64_t c_stride, bool accumulate, Prefetch ahead) {
  constexpr int64_t kBlock = 32 * 32;                      // elements of a panel over 32 k
  constexpr int64_t kRowA = 64, kRowB = 128, kRowC = 128;  // bytes
  VQ_TILE_CONFIGURE();
  Fetch fetch(ahead, count * ((k + 31) / 32));
  for (int64_t t = 0; t < count; t++, c += c_stride) {
    const uint16_t* a = (const uint16_t*)a_panels + t * a_stride;
    const uint16_t* b = (const uint16_t*)b_panel;
    if (accumulate) {
      VQ_TILE_LOAD(0, c, kRowC);
      VQ_TILE_LOAD(1, c + 16, kRowC);
      VQ_TILE_LOAD(2, c + 16 * 32, kRowC);
      VQ_TILE_LOAD(3, c + 16 * 32 + 16, kRowC);
    } else {
      VQ_TILE_ZERO(0);
      VQ_TILE_ZERO(1);
      VQ_TILE_ZERO(2);
      VQ_TILE_ZERO(3);
    }
    for (int64_t left = k; left > 0; left -= 32, a += kBlock, b += kBlock) {
      fetch.step();
      VQ_TILE_LOAD(6, b, kRowB);
      VQ_TILE_LOAD(4, a, kRowA);
      VQ_TILE_DOT(0, 4, 6);
      VQ_TILE_LOAD(7, b + 32, kRowB);
      VQ_TILE_DOT(1, 4, 7);
      VQ_TILE_LOAD(5, a + 16 * 32, kRowA);
      VQ_TILE_DOT(2, 5, 6);
      VQ_TILE_DOT(3, 5, 7);
    }
    VQ_TILE_STORE(0, c, kRowC);
    VQ_TILE_STORE(1, c + 16, kRowC);
    VQ_TILE_STORE(2, c + 16 * 32, kRowC);
    VQ_TILE_STORE(3, c + 16 * 32 + 16, kRowC);
  }
  VQ_TILE_RELEASE();
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA
