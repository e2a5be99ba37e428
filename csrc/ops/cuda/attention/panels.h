// Tiles of the attention kernels for wgmma: panels of 64 columns (wgmma.h), loaded and read by blocks of two
// warpgroups.
#pragma once

#include "ops/cuda/attention/rows.h"
#include "ops/cuda/wgmma.h"

namespace vq::cuda {

constexpr int kWarpgroup = 128;
constexpr int kWarpgroups = 2;  // per block, each with 64 rows
constexpr int kWarpgroupThreads = kWarpgroups * kWarpgroup;

// The tile layout that load_tile needs.
template <int dim_, int rows_>
struct PanelTile {
  static constexpr int dim = dim_, rows = rows_, threads = kWarpgroupThreads;
  static constexpr int row_bytes = kPanelRowBytes;  // stride between rows, with the same swizzle 8 rows later
  static constexpr int panel_bytes = rows * kPanelRowBytes;
  static constexpr int bytes = rows * dim * 2;
  static_assert(dim % 64 == 0 && rows % 8 == 0);
  __device__ __forceinline__ static int offset(int row, int chunk) {
    return chunk / 8 * panel_bytes + row * kPanelRowBytes + ((chunk % 8 ^ row % 8) << 4);
  }
};

// The first byte of dynamic shared memory where a panel can start; allocate kSwizzleBytes more than the tiles need.
__device__ __forceinline__ int first_panel(Shared<unsigned char> memory) {
  return static_cast<int>(-shared_address(memory, 0) & (kSwizzleBytes - 1));
}

// The 64 rows of the thread's warpgroup as the first operand.
template <class Tile>
__device__ __forceinline__ void load_rows(RowFragment<Tile::dim>& to, Shared<unsigned char> memory, int tile) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
#pragma unroll
  for (int step = 0; step < Tile::dim / 16; step++) {
    uint32_t a[4];
    load_matrices(a, memory, tile + Tile::offset(warp * 16 + a_row(lane), 2 * step + a_half(lane)));
#pragma unroll
    for (int i = 0; i < 4; i++) to[4 * step + i] = a[i];
  }
}

// c[64, rows] = a[64, dim] times the transposed tile.
template <class Tile>
__device__ __forceinline__ void multiply_by_rows(Accumulator<Tile::rows>& c, const RowFragment<Tile::dim>& a,
                                                 uint32_t tile) {
  const MatrixDescriptor b = rows_of_panels(tile);
#pragma unroll
  for (int step = 0; step < Tile::dim / 16; step++) {
    wgmma<false>(c, a, step, b + (step / 4 * Tile::panel_bytes + step % 4 * 32), step > 0);
  }
}
// The same with 64 rows of a tile as the first operand.
template <class Left, class Tile>
__device__ __forceinline__ void multiply_by_rows(Accumulator<Tile::rows>& c, uint32_t left, uint32_t tile) {
  const MatrixDescriptor a = rows_of_panels(left), b = rows_of_panels(tile);
#pragma unroll
  for (int step = 0; step < Tile::dim / 16; step++) {
    wgmma<false>(c, a + (step / 4 * Left::panel_bytes + step % 4 * 32),
                 b + (step / 4 * Tile::panel_bytes + step % 4 * 32), step > 0);
  }
}
// c[64, dim] += a[64, rows] times the tile.
template <class Tile>
__device__ __forceinline__ void add_product(Accumulator<Tile::dim>& c, const RowFragment<Tile::rows>& a,
                                            uint32_t tile) {
  const MatrixDescriptor b = columns_of_panels(tile, Tile::panel_bytes);
#pragma unroll
  for (int step = 0; step < Tile::rows / 16; step++) wgmma<true>(c, a, step, b + step * 2 * kSwizzleBytes, true);
}

// Accumulators as the first operand of the next GEMM, rounded to bf16.
template <int n>
__device__ __forceinline__ void as_rows(RowFragment<n>& a, const Accumulator<n>& sums) {
#pragma unroll
  for (int i = 0; i < n / 4; i++) a[i] = pack_bf16(sums[2 * i], sums[2 * i + 1]);
}

}  // namespace vq::cuda
