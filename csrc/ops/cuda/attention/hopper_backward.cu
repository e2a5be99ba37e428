// Attention backward for GPUs with wgmma (sm_90a): like backward.cu, with blocks of two warpgroups. Probabilities and
// their gradients stay in registers: the accumulators of one GEMM become the operand of the next.
#include "ops/cuda/attention/panels.h"

namespace vq::cuda {
namespace {

// --- dQ --------------------------------------------------------------------------------------------------------------

template <int dim_>
struct QueryGradients {
  static constexpr int dim = dim_;
  static constexpr int keys = kHopperKeys;
  using Queries = PanelTile<dim, kHopperRows>;
  using Keys = PanelTile<dim, keys>;
  // Shared memory: queries and dout on their way to registers, then stages of keys and values. In iteration
  // n, the other warpgroup may still read the keys of block n - 1 (dQ); the keys of block n (dQ) and the keys and
  // values of block n + 1 (scores, dP) are in use, and blocks n + 2 and n + 3 are being loaded.
  static constexpr int stages = 5;
  static constexpr int ahead = stages - 2;  // blocks
  static constexpr int first_stage = 2 * Queries::bytes;
  static constexpr int stage_bytes = 2 * Keys::bytes;
  __device__ __forceinline__ static int stage(int begin, int block) {
    return begin + first_stage + block % stages * stage_bytes;
  }
  static constexpr int shared_bytes = first_stage + stages * stage_bytes + kSwizzleBytes;
};

// Converts scores to probabilities.
template <int keys>
__device__ __forceinline__ void probabilities(Accumulator<keys>& s, const RowPair& rows, int at, bool cut,
                                              float scale) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < keys / 2; i++) s[i] = exp2_fast(s[i] * scale - rows.lse[i / 2 % 2]);
  if (!cut) return;
#pragma unroll
  for (int i = 0; i < keys / 2; i++) {
    if (at + i / 4 * 8 + lane % 4 * 2 + i % 2 >= rows.limit[i / 2 % 2]) s[i] = 0;
  }
}

// Converts dP to gradients of the scores.
template <int keys>
__device__ __forceinline__ void gradients_of_scores(Accumulator<keys>& p, const Accumulator<keys>& dp,
                                                    const RowPair& rows) {
#pragma unroll
  for (int i = 0; i < keys / 2; i++) p[i] *= dp[i] - rows.delta[i / 2 % 2];
}

// Launch: query tiles of 128 stacked rows times G blocks x 256 threads, all heads of a tile consecutively; each
// warpgroup has 64 rows, with queries and dout in registers. Bound: tensor cores. 6 D FLOP per row and key: scores, dP,
// dQ.
//
// While the dQ GEMM of one block of keys runs, the threads compute the gradients of the scores of the next block and
// pass the barrier for its copies; see hopper_forward.cu.
template <class F>
__global__ void __launch_bounds__(kWarpgroupThreads, 1)
    query_gradients_in_warpgroups(const BackwardCall c, int kv_heads) {
  if constexpr (kHasWgmma) {
    VQ_DYNAMIC_SHARED(memory);
    const int begin = first_panel(memory);
    const int item = static_cast<int>(blockIdx.x);
    const QueryTile tile = c.tiles[item / kv_heads];
    const int head = item % kv_heads;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int end = tile.first + tile.rows;
    const float scale = c.scale * kLog2E;
    fill_tile<typename F::Queries>(memory, begin, stacked(c.q, c, tile.q_begin, tile.first, end, head), c.dim, c.wide);
    fill_tile<typename F::Queries>(memory, begin + F::Queries::bytes,
                                   stacked(c.dout, c, tile.q_begin, tile.first, end, head), c.dim, c.wide);
    copies_commit();
    KeyCursor next(c.ranges, tile);
    const RowPair rows(c, tile, next, head, warp * 16 + lane / 4);
    int at = next.at;
    const int whole = min(tile.least, next.count);  // keys visible to all rows
#pragma unroll
    for (int n = 0; n < F::ahead; n++) {
      if (n < tile.blocks) load_keys<typename F::Keys>(c, next, memory, F::stage(begin, n), head);
      copies_commit();
      next.advance(F::keys);
    }
    copies_wait<F::ahead - 1>();  // queries, dout, and the first keys
    shared_fence();
    __syncthreads();
    RowFragment<F::dim> q, g;
    load_rows<typename F::Queries>(q, memory, begin);
    load_rows<typename F::Queries>(g, memory, begin + F::Queries::bytes);

    Accumulator<F::dim> dq;
    Accumulator<F::keys> s, dp;
    RowFragment<F::keys> ds;
#pragma unroll
    for (int i = 0; i < F::dim / 2; i++) dq[i] = 0;
    if (tile.blocks > 0) {
      wgmma_fence(q, g);
      multiply_by_rows<typename F::Keys>(s, q, shared_address(memory, F::stage(begin, 0)));
      wgmma_commit();
      multiply_by_rows<typename F::Keys>(dp, g, shared_address(memory, F::stage(begin, 0) + F::Keys::bytes));
      wgmma_commit();
      wgmma_wait<1>(s, q);
      probabilities<F::keys>(s, rows, at, at + F::keys > whole, scale);
      wgmma_wait<0>(dp, g);
      gradients_of_scores<F::keys>(s, dp, rows);
      for (int n = 0; n + 1 < tile.blocks; n++) {
        at += F::keys;
        copies_wait<F::ahead - 2>();  // of block n + 1
        shared_fence();
        __syncthreads();
        wgmma_wait<0>(dq, ds);
        as_rows(ds, s);
        const int now = F::stage(begin, n), after = F::stage(begin, n + 1);
        wgmma_fence(dq, ds);
        multiply_by_rows<typename F::Keys>(s, q, shared_address(memory, after));
        wgmma_commit();
        multiply_by_rows<typename F::Keys>(dp, g, shared_address(memory, after + F::Keys::bytes));
        wgmma_commit();
        add_product<typename F::Keys>(dq, ds, shared_address(memory, now));
        wgmma_commit();
        if (n + F::ahead < tile.blocks)
          load_keys<typename F::Keys>(c, next, memory, F::stage(begin, n + F::ahead), head);
        copies_commit();
        next.advance(F::keys);
        wgmma_wait<2>(s, q);
        probabilities<F::keys>(s, rows, at, at + F::keys > whole, scale);
        wgmma_wait<1>(dp, g);
        gradients_of_scores<F::keys>(s, dp, rows);
      }
      wgmma_wait<0>(dq, ds);
      as_rows(ds, s);
      wgmma_fence(dq, ds);
      add_product<typename F::Keys>(dq, ds, shared_address(memory, F::stage(begin, tile.blocks - 1)));
      wgmma_commit();
      wgmma_wait<0>(dq, ds);
    }
    copies_wait<0>();
#pragma unroll
    for (int r = 0; r < 2; r++) {
      store_query_gradient<F::dim>(c, tile, head, warp * 16 + lane / 4 + 8 * r,
                                   [&](int n, int e) { return dq[4 * n + 2 * r + e]; });
    }
  }
}

// --- dK and dV -------------------------------------------------------------------------------------------------------

template <int dim_>
struct KeyGradients {
  static constexpr int dim = dim_;
  static constexpr int queries = 64;  // stacked rows at a time
  using Keys = PanelTile<dim, kHopperKeyTile>;
  using Queries = PanelTile<dim, queries>;
  // Shared memory: keys, values, then stages of queries, dout, and lse, delta and visible of their rows. The other
  // warpgroup may still read one stage (dV, dK), the next is in use, and the other two are being loaded.
  static constexpr int stages = 4;
  static constexpr int rows_bytes = 1024;
  static_assert(3 * 4 * queries <= rows_bytes);
  static constexpr int first_stage = 2 * Keys::bytes;
  static constexpr int stage_bytes = 2 * Queries::bytes + rows_bytes;
  static constexpr int shared_bytes = first_stage + stages * stage_bytes + kSwizzleBytes;
};

template <class F>
__device__ __forceinline__ void load_queries(const BackwardCall& c, const KeyTile& tile, Shared<unsigned char> memory,
                                             int stage, int first, int head) {
  using Queries = typename F::Queries;
  fill_tile<Queries>(memory, stage, stacked(c.q, c, tile.q_begin, first, tile.end, head), c.dim, c.wide);
  fill_tile<Queries>(memory, stage + Queries::bytes, stacked(c.dout, c, tile.q_begin, first, tile.end, head), c.dim,
                     c.wide);
  copy_row_values<F::queries>(c, tile, memory, stage + 2 * Queries::bytes, first, head);
}

// Converts scores (keys by queries) to probabilities. `values`: lse, delta and visible of the stage's rows.
template <class F>
__device__ __forceinline__ void probabilities_of_keys(Accumulator<F::queries>& s, Shared<unsigned char> memory,
                                                      int values, float scale, int key, bool cut) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < F::queries / 8; i++) {
    const Shared<unsigned char> of_row = memory + (values + 4 * (8 * i + lane % 4 * 2));
    const float2 lse = *retyped<const float2>(of_row);
    const int2 seen = *retyped<const int2>(of_row + 8 * F::queries);
#pragma unroll
    for (int e = 0; e < 4; e++) {
      const float x = exp2_fast(s[4 * i + e] * scale - (e % 2 ? lse.y : lse.x) * kLog2E);
      s[4 * i + e] = cut && key + e / 2 * 8 >= (e % 2 ? seen.y : seen.x) ? 0 : x;
    }
  }
}
// Converts dP to gradients of the scores.
template <class F>
__device__ __forceinline__ void gradients_of_key_scores(Accumulator<F::queries>& p, const Accumulator<F::queries>& dp,
                                                        Shared<unsigned char> memory, int values) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < F::queries / 8; i++) {
    const float2 delta = *retyped<const float2>(memory + (values + 4 * F::queries + 4 * (8 * i + lane % 4 * 2)));
#pragma unroll
    for (int e = 0; e < 4; e++) p[4 * i + e] *= dp[4 * i + e] - (e % 2 ? delta.y : delta.x);
  }
}

// Launch: key tiles of 128 times G blocks x 256 threads, all heads of a tile consecutively; each warpgroup has 64 keys.
// GEMMs are transposed, keys by queries. Bound: tensor cores. 8 D FLOP per row and key: scores, dP, dV, and dK.
//
// Probabilities are computed during the dP GEMM, and the gradients of the scores during the dV GEMM; the threads
// pass the barrier for the next queries while the dV and dK GEMMs run.
template <class F>
__global__ void __launch_bounds__(kWarpgroupThreads, 1)
    key_gradients_in_warpgroups(const BackwardCall c, int kv_heads) {
  if constexpr (kHasWgmma) {
    using Keys = typename F::Keys;
    using Queries = typename F::Queries;
    VQ_DYNAMIC_SHARED(memory);
    const int begin = first_panel(memory), stages = begin + F::first_stage;
    const int item = static_cast<int>(blockIdx.x);
    const KeyTile tile = c.key_tiles[item / kv_heads];
    const int head = item % kv_heads;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const float scale = c.scale * kLog2E;
    const int own = begin + warp / 4 * 64 * kPanelRowBytes;  // the warpgroup's keys
    Accumulator<F::dim> dk, dv;
#pragma unroll
    for (int i = 0; i < F::dim / 2; i++) dk[i] = dv[i] = 0;
    if (tile.first < tile.end) {
      load_keys<Keys>(c, tile.row, tile.keys, memory, begin, head);
      int first = tile.first;
      load_queries<F>(c, tile, memory, stages, first, head);
      copies_commit();
      if (first + F::queries < tile.end) {
        load_queries<F>(c, tile, memory, stages + F::stage_bytes, first + F::queries, head);
      }
      copies_commit();
      Accumulator<F::queries> s, dp;
      RowFragment<F::queries> p, ds;
      // ptxas must see that the loop runs at least once; otherwise it serializes the GEMMs.
      int n = 0;
      do {
        copies_wait<1>();
        shared_fence();
        __syncthreads();
        const int stage = stages + n % F::stages * F::stage_bytes, values = stage + 2 * Queries::bytes;
        wgmma_wait<0>(dk, dv, p, ds);
        wgmma_fence();
        multiply_by_rows<Keys, Queries>(s, shared_address(memory, own), shared_address(memory, stage));
        wgmma_commit();
        multiply_by_rows<Keys, Queries>(dp, shared_address(memory, own + Keys::bytes),
                                        shared_address(memory, stage + Queries::bytes));
        wgmma_commit();
        if (first + 2 * F::queries < tile.end) {
          load_queries<F>(c, tile, memory, stages + (n + 2) % F::stages * F::stage_bytes, first + 2 * F::queries, head);
        }
        copies_commit();
        wgmma_wait<1>(s);
        probabilities_of_keys<F>(s, memory, values, scale, tile.at + warp * 16 + lane / 4, first < tile.full_from);
        as_rows(p, s);
        wgmma_fence(dv, p);
        add_product<Queries>(dv, p, shared_address(memory, stage + Queries::bytes));
        wgmma_commit();
        wgmma_wait<1>(dp);
        gradients_of_key_scores<F>(s, dp, memory, values);
        as_rows(ds, s);
        wgmma_fence(dk, ds);
        add_product<Queries>(dk, ds, shared_address(memory, stage));
        wgmma_commit();
        first += F::queries;
        n++;
      } while (first < tile.end);
      wgmma_wait<0>(dk, dv, p, ds);
      copies_wait<0>();
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
      store_key_gradients<F::dim>(
          c, tile, head, warp * 16 + lane / 4 + 8 * r, [&](int n, int e) { return dk[4 * n + 2 * r + e]; },
          [&](int n, int e) { return dv[4 * n + 2 * r + e]; });
    }
  }
}

template <int dim>
void launch_dim(const BackwardCall& c, const BackwardGrid& grid, Stream stream) {
  const int kv_heads = static_cast<int>(grid.kv_heads);
  if (grid.key_tiles > 0) {
    launch({grid.key_tiles * grid.kv_heads, kWarpgroupThreads, stream, KeyGradients<dim>::shared_bytes},
           key_gradients_in_warpgroups<KeyGradients<dim>>, c, kv_heads);
  }
  if (grid.query_tiles > 0) {
    launch({grid.query_tiles * grid.kv_heads, kWarpgroupThreads, stream, QueryGradients<dim>::shared_bytes},
           query_gradients_in_warpgroups<QueryGradients<dim>>, c, kv_heads);
  }
}

}  // namespace

void launch_hopper_backward(const BackwardCall& c, int padded_dim, const BackwardGrid& grid, Stream stream) {
  padded_dim == 64 ? launch_dim<64>(c, grid, stream) : launch_dim<128>(c, grid, stream);
}

}  // namespace vq::cuda
