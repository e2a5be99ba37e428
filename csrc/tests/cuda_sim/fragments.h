// What the tensor-core instructions do to the registers of one warp, by the fragment layouts of the PTX ISA ("Matrix
// fragments for mma.m16n8k16 with floating point type", "ldmatrix"). Nothing here knows of threads or of shared memory:
// tensor_core.h joins both.
#pragma once

#include <cstdint>

namespace cuda_sim {

constexpr int kWarp = 32;

// The operands of one lane, and its part of the result.
struct MmaLane {
  uint32_t a[4];  // pairs of bf16, the lower half first
  uint32_t b[2];
  float c[4];
};

// Lane l = 4 g + t, register i, half h of the fragment is at ...
constexpr int mma_a_row(int lane, int i) { return lane / 4 + i % 2 * 8; }
constexpr int mma_a_col(int lane, int i, int half) { return lane % 4 * 2 + half + i / 2 * 8; }
constexpr int mma_b_row(int lane, int i, int half) { return lane % 4 * 2 + half + i * 8; }
constexpr int mma_b_col(int lane) { return lane / 4; }
constexpr int mma_c_row(int lane, int i) { return lane / 4 + i / 2 * 8; }
constexpr int mma_c_col(int lane, int i) { return lane % 4 * 2 + i % 2; }

// c[16, 8] += a[16, 16] b[16, 8]. The sums run in f32 in an order that the hardware does not promise; here by k.
void mma_m16n8k16_bf16(MmaLane* const (&lanes)[kWarp]);

// Registers of every lane from `count` matrices of 8 x 8 b16. row[8 m + r] points at the 16 bytes of row r of matrix m,
// which lane 8 m + r has named. out[lane][m]: with `transpose` the matrix is read by columns.
template <int count>
void ldmatrix(uint32_t (&out)[kWarp][count], const uint16_t* const (&row)[kWarp], bool transpose) {
  for (int l = 0; l < kWarp; l++)
    for (int m = 0; m < count; m++) {
      const int line = l / 4, pair = l % 4 * 2;
      const uint32_t low = transpose ? row[8 * m + pair][line] : row[8 * m + line][pair];
      const uint32_t high = transpose ? row[8 * m + pair + 1][line] : row[8 * m + line][pair + 1];
      out[l][m] = low | high << 16;
    }
}

}  // namespace cuda_sim
