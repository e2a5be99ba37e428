// Attention forward for GPUs with wgmma (sm_90a): like forward.cu, in blocks of 128 stacked rows.
#include "ops/cuda/attention/panels.h"

namespace vq::cuda {
namespace {

template <int dim_>
struct Forward {
  static constexpr int dim = dim_;
  static constexpr int keys = kHopperKeys;
  using Queries = PanelTile<dim, kWarpgroups * 64>;
  using Keys = PanelTile<dim, keys>;
  // Shared memory: stages of keys and values. In iteration n, the other warpgroup may still read the values of block
  // n - 1; the values of block n and the keys of block n + 1 are in use, and blocks n + 2 and n + 3 are being loaded.
  // The queries pass through the last stage on their way to registers.
  static constexpr int stages = 5;
  static constexpr int ahead = stages - 2;  // blocks
  static constexpr int stage_bytes = 2 * Keys::bytes;
  __device__ __forceinline__ static int stage(int first, int block) { return first + block % stages * stage_bytes; }
  static constexpr int shared_bytes = stages * stage_bytes + kSwizzleBytes;
  static_assert(Queries::bytes <= stage_bytes);
};

// The thread's two rows.
struct Softmax {
  float max[2], sum[2];
  int limit[2];  // visible keys of the last range, per row
};

// Converts scores to probabilities (relative to max) and adds them to the sums. Returns whether max grew in one of the
// warp's rows: then the accumulated values must be multiplied by shrink.
template <int keys>
__device__ __forceinline__ bool softmax_step(Accumulator<keys>& s, Softmax& rows, float (&shrink)[2],
                                             const KeyCursor& block, int least, float scale) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const bool last = block.range == block.last;
  if (block.at + keys > (last ? min(least, block.count) : block.count)) {
#pragma unroll
    for (int i = 0; i < keys / 2; i++) {
      const int key = block.at + i / 4 * 8 + lane % 4 * 2 + i % 2;
      if (key >= (last ? rows.limit[i / 2 % 2] : block.count)) s[i] = -INFINITY;
    }
  }
  float top[2];
  bool grows = false;
#pragma unroll
  for (int r = 0; r < 2; r++) {
    float x = fmaxf(s[2 * r], s[2 * r + 1]);
#pragma unroll
    for (int n = 1; n < keys / 8; n++) x = fmaxf(x, fmaxf(s[4 * n + 2 * r], s[4 * n + 2 * r + 1]));
    top[r] = x;
    grows = grows || x * scale > rows.max[r] + kSlack;
  }
  grows = __any_sync(kAllLanes, grows);
  if (grows) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const float x = fmaxf(rows.max[r], quad_max(top[r]) * scale);
      shrink[r] = exp2_fast(rows.max[r] - x);
      rows.max[r] = x;
      rows.sum[r] *= shrink[r];
    }
  }
#pragma unroll
  for (int i = 0; i < keys / 2; i++) {
    s[i] = exp2_fast(s[i] * scale - rows.max[i / 2 % 2]);
    rows.sum[i / 2 % 2] += s[i];
  }
  return grows;
}

// Rescales the accumulated values if max grew and converts the probabilities to the operand of the next GEMM.
template <class F>
__device__ __forceinline__ void take_probabilities(Accumulator<F::dim>& o, RowFragment<F::keys>& p,
                                                   const Accumulator<F::keys>& s, const float (&shrink)[2],
                                                   bool grows) {
  if (grows) {
#pragma unroll
    for (int i = 0; i < F::dim / 2; i++) o[i] *= shrink[i / 2 % 2];
  }
  as_rows(p, s);
}

// Launch: query tiles of 128 stacked rows times G blocks x 256 threads, all heads of a tile consecutively, so that the
// longest tiles start first; each warpgroup has 64 rows, with its queries in registers. Bound: tensor cores. 4 D FLOP
// per row and key; K and V are read from L2 once per 128 rows.
//
// While the GEMM with the values of one block of keys runs, the threads compute the probabilities of the next block and
// pass the barrier for its copies. The wait for that GEMM is in the next iteration: ptxas moves arithmetic past a wgmma
// wait, but not into another iteration.
template <class F>
__global__ void __launch_bounds__(kWarpgroupThreads, 1) attend_in_warpgroups(const ForwardCall c, int kv_heads) {
  if constexpr (kHasWgmma) {
    VQ_DYNAMIC_SHARED(memory);
    const int first = first_panel(memory);
    const int item = static_cast<int>(blockIdx.x);
    const QueryTile tile = c.tiles[item / kv_heads];
    const int head = item % kv_heads;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const float scale = c.scale * kLog2E;
    KeyCursor next(c.ranges, tile);
    KeyCursor block = next;
    const int queries = first + (F::stages - 1) * F::stage_bytes;
    fill_tile<typename F::Queries>(
        memory, queries, stacked(c.q, c, tile.q_begin, tile.first, tile.first + tile.rows, head), c.dim, c.wide);
    copies_commit();
#pragma unroll
    for (int n = 0; n < F::ahead; n++) {
      if (n < tile.blocks) load_keys<typename F::Keys>(c, next, memory, F::stage(first, n), head);
      copies_commit();
      next.advance(F::keys);
    }

    Softmax rows;
    const KeyRange last = c.ranges[tile.last_range];
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const int row = warp * 16 + lane / 4 + 8 * r;
      rows.max[r] = kNothing;
      rows.sum[r] = 0;
      rows.limit[r] = 0;
      if (row < tile.rows) {
        const int seen = c.visible[tile.q_begin + divide(tile.first + row, c.group)];
        rows.limit[r] = min(seen, last.count);
      }
    }
    RowFragment<F::dim> q;
    copies_wait<F::ahead - 1>();  // the queries and the first keys
    shared_fence();
    __syncthreads();
    load_rows<typename F::Queries>(q, memory, queries);

    Accumulator<F::dim> o;
    Accumulator<F::keys> s;
    RowFragment<F::keys> p;
    float shrink[2];
#pragma unroll
    for (int i = 0; i < F::dim / 2; i++) o[i] = 0;
    if (tile.blocks > 0) {
      wgmma_fence(q);
      multiply_by_rows<typename F::Keys>(s, q, shared_address(memory, first));
      wgmma_commit();
      wgmma_wait<0>(s, q);
      softmax_step<F::keys>(s, rows, shrink, block, tile.least, scale);
      bool grows = false;  // nothing is accumulated yet
      for (int n = 0; n + 1 < tile.blocks; n++) {
        block.advance(F::keys);
        copies_wait<F::ahead - 2>();  // of block n + 1
        shared_fence();
        __syncthreads();
        wgmma_wait<0>(o, p);
        take_probabilities<F>(o, p, s, shrink, grows);
        wgmma_fence(o, p);
        multiply_by_rows<typename F::Keys>(s, q, shared_address(memory, F::stage(first, n + 1)));
        wgmma_commit();
        add_product<typename F::Keys>(o, p, shared_address(memory, F::stage(first, n) + F::Keys::bytes));
        wgmma_commit();
        if (n + F::ahead < tile.blocks)
          load_keys<typename F::Keys>(c, next, memory, F::stage(first, n + F::ahead), head);
        copies_commit();
        next.advance(F::keys);
        wgmma_wait<1>(s, q);
        grows = softmax_step<F::keys>(s, rows, shrink, block, tile.least, scale);
      }
      wgmma_wait<0>(o, p);
      take_probabilities<F>(o, p, s, shrink, grows);
      wgmma_fence(o, p);
      add_product<typename F::Keys>(o, p, shared_address(memory, F::stage(first, tile.blocks - 1) + F::Keys::bytes));
      wgmma_commit();
      wgmma_wait<0>(o, p);
    }
    copies_wait<0>();
#pragma unroll
    for (int r = 0; r < 2; r++) {
      store_row<F::dim>(c, tile, head, warp * 16 + lane / 4 + 8 * r, rows.max[r], rows.sum[r],
                        [&](int n, int e) { return o[4 * n + 2 * r + e]; });
    }
  }
}

template <int dim>
void launch_dim(const ForwardCall& c, unsigned tiles, unsigned kv_heads, Stream stream) {
  using F = Forward<dim>;
  launch({tiles * kv_heads, kWarpgroupThreads, stream, F::shared_bytes}, attend_in_warpgroups<F>, c,
         static_cast<int>(kv_heads));
}

}  // namespace

void launch_hopper_forward(const ForwardCall& c, int padded_dim, unsigned tiles, unsigned kv_heads, Stream stream) {
  if (tiles == 0) return;
  padded_dim == 64 ? launch_dim<64>(c, tiles, kv_heads, stream) : launch_dim<128>(c, tiles, kv_heads, stream);
}

}  // namespace vq::cuda
