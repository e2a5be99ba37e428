#include "tests/cuda_sim/fragments.h"

#include <bit>

namespace cuda_sim {
namespace {

float bf16_value(uint32_t pair, int half) { return std::bit_cast<float>(half ? pair & 0xffff0000u : pair << 16); }

}  // namespace

void mma_m16n8k16_bf16(MmaLane* const (&lanes)[kWarp]) {
  float a[16][16], b[16][8], c[16][8];
  for (int l = 0; l < kWarp; l++)
    for (int half = 0; half < 2; half++) {
      for (int i = 0; i < 4; i++) a[mma_a_row(l, i)][mma_a_col(l, i, half)] = bf16_value(lanes[l]->a[i], half);
      for (int i = 0; i < 2; i++) b[mma_b_row(l, i, half)][mma_b_col(l)] = bf16_value(lanes[l]->b[i], half);
    }
  for (int l = 0; l < kWarp; l++)
    for (int i = 0; i < 4; i++) c[mma_c_row(l, i)][mma_c_col(l, i)] = lanes[l]->c[i];
  for (int k = 0; k < 16; k++)
    for (int m = 0; m < 16; m++)
      for (int n = 0; n < 8; n++) c[m][n] += a[m][k] * b[k][n];
  for (int l = 0; l < kWarp; l++)
    for (int i = 0; i < 4; i++) lanes[l]->c[i] = c[mma_c_row(l, i)][mma_c_col(l, i)];
}

}  // namespace cuda_sim
