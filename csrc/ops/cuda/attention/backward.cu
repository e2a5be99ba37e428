// Attention backward without atomics: one kernel over key tiles computes dK and dV, one over query tiles computes dQ.
// Both recompute the scores from the log-sum-exp saved by the forward pass. Each sum is computed by one thread or warp
// in a fixed order.
#include "ops/cuda/attention/rows.h"

namespace vq::cuda {
namespace {

__device__ __forceinline__ float2 load_pair(Global<const float> p) {
  const float2 pair = *retyped<const float2>(p);
  return pair;
}
__device__ __forceinline__ float2 load_pair(Global<const bf16> p) {
  const uint32_t pair = *retyped<const uint32_t>(p);
  return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u));
}

// delta[t, h] = sum over d of dout * out, which is the mean of dP under P. `pairs`: elements can be read in pairs.
// Launch: one block of 4 warps per 4 (row, head) pairs. Bound: memory; dout and out are read once.
template <class Gradient, class Result>
__global__ void __launch_bounds__(kAttentionThreads)
    row_deltas(Global<float> delta, Global<const Gradient> dout, int64_t dout_stride, Global<const Result> out,
               int64_t out_stride, int64_t rows_and_heads, int heads, int dim, bool pairs) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t item = int64_t{blockIdx.x} * kAttentionWarps + warp;
  if (item >= rows_and_heads) return;
  const int64_t row = item / heads;
  const int column = static_cast<int>(item - row * heads) * dim;
  const Global<const Gradient> g = dout + (row * dout_stride + column);
  const Global<const Result> o = out + (row * out_stride + column);
  float sum = 0;
  if (pairs) {
    for (int d = 2 * lane; d < dim; d += 64) {
      const float2 x = load_pair(g + d), y = load_pair(o + d);
      sum += x.x * y.x + x.y * y.y;
    }
  } else {
    for (int d = lane; d < dim; d += 32) {
      const Gradient x = g[d];
      const Result y = o[d];
      sum += to_float(x) * to_float(y);
    }
  }
  for (int lanes = 16; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(kAllLanes, sum, lanes);
  if (lane == 0) delta[item] = sum;
}

// --- dQ --------------------------------------------------------------------------------------------------------------

template <int dim_>
struct Queries {
  static constexpr int dim = dim_;
  static constexpr int rows = kAttentionWarps * 16;
  static constexpr int keys = attention_block_keys(dim);
  static constexpr int tile_bytes = keys * dim * 2;
  static constexpr int operand_bytes = rows * dim * 2;
  // Shared memory: two stages of keys and values. First it stages queries and dout on their way to registers.
  static constexpr int shared_bytes = 4 * tile_bytes > 2 * operand_bytes ? 4 * tile_bytes : 2 * operand_bytes;
};

// Launch: (query tiles of 64 stacked rows, G) x 128 threads; each warp has 16 rows, with queries and dout in registers.
// Bound: tensor cores. 6 D FLOP per row and key: scores, dP, and dQ.
template <class F>
__global__ void __launch_bounds__(kAttentionThreads, 2) query_gradients(const BackwardCall c) {
  VQ_DYNAMIC_SHARED(memory);
  const QueryTile tile = c.tiles[blockIdx.x];
  const int head = static_cast<int>(blockIdx.y);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int end = tile.first + tile.rows;
  load_tile<F::dim, F::rows>(memory, 0, stacked(c.q, c, tile.q_begin, tile.first, end, head), c.dim, c.wide);
  load_tile<F::dim, F::rows>(memory, F::operand_bytes, stacked(c.dout, c, tile.q_begin, tile.first, end, head), c.dim,
                             c.wide);
  copies_commit();
  KeyCursor next(c.ranges, tile);
  RowPair rows(c, tile, next, head, warp * 16 + lane / 4);
  const int most = warp_max(max(rows.limit[0], rows.limit[1]));
  copies_wait<0>();
  __syncthreads();
  uint32_t q[F::dim / 16][1][4], g[F::dim / 16][1][4];
  const MatrixAddress<F::dim> own(0, warp * 16 + a_row(lane), a_half(lane));
#pragma unroll
  for (int step = 0; step < F::dim / 16; step++) {
    load_matrices(q[step][0], memory, own.at(0, step));
    load_matrices(g[step][0], memory, own.at(0, step) + F::operand_bytes);
  }
  __syncthreads();
  if (tile.blocks > 0) load_keys<RowTile<F::dim, F::keys>>(c, next, memory, 0, head);
  copies_commit();

  float dq[1][F::dim / 8][4] = {};
  for (int n = 0; n < tile.blocks; n++) {
    copies_wait<0>();
    __syncthreads();
    const int at = next.at, stage = n % 2 * 2 * F::tile_bytes;
    next.advance(F::keys);
    if (n + 1 < tile.blocks)
      load_keys<RowTile<F::dim, F::keys>>(c, next, memory, (n + 1) % 2 * 2 * F::tile_bytes, head);
    copies_commit();
    if (warp * 16 >= tile.rows || at >= most) continue;
    float s[1][F::keys / 8][4] = {}, dp[1][F::keys / 8][4] = {};
    const MatrixAddress<F::dim> k(stage, b_row(lane), b_half(lane));
    const MatrixAddress<F::dim> v(stage + F::tile_bytes, b_row(lane), b_half(lane));
#pragma unroll
    for (int step = 0; step < F::dim / 16; step++) {
      multiply_by_rows<F::dim, F::keys>(s, q[step], memory, k, step);
      multiply_by_rows<F::dim, F::keys>(dp, g[step], memory, v, step);
    }
    const bool cut = at + F::keys > min(tile.least, next.count);
#pragma unroll
    for (int i = 0; i < F::keys / 8; i++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        float p = exp2_fast(s[0][i][e] * (c.scale * kLog2E) - rows.lse[e / 2]);
        if (cut && at + 8 * i + lane % 4 * 2 + e % 2 >= rows.limit[e / 2]) p = 0;
        dp[0][i][e] = p * (dp[0][i][e] - rows.delta[e / 2]);
      }
    const MatrixAddress<F::dim> columns(stage, a_row(lane), a_half(lane));
#pragma unroll
    for (int block = 0; block < F::keys / 16; block++) {
      uint32_t a[1][4];
      as_fragment(a[0], dp[0][2 * block], dp[0][2 * block + 1]);
      multiply_by_columns<F::dim>(dq, a, memory, columns, block);
    }
  }
  copies_wait<0>();
#pragma unroll
  for (int r = 0; r < 2; r++) {
    store_query_gradient<F::dim>(c, tile, head, warp * 16 + lane / 4 + 8 * r,
                                 [&](int n, int e) { return dq[0][n][2 * r + e]; });
  }
}

// Sums the partial results of rows that were split along the keys, in order. Launch: (merge tiles, G) x 128 threads,
// one warp per row. Bound: memory; the partial results are read once.
__global__ void __launch_bounds__(kAttentionThreads) sum_parts(const BackwardCall c, int padded_dim) {
  const MergeTile tile = c.merges[blockIdx.x];
  const int head = static_cast<int>(blockIdx.y);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  for (int row = warp; row < tile.rows; row += kAttentionWarps) {
    const int64_t first = head * c.partial_rows + tile.partial + row;
    const int m = tile.first + row, query = tile.q_begin + divide(m, c.group);
    const int64_t at = query * c.dq.stride + (head * c.group.by + m - divide(m, c.group) * c.group.by) * c.dim;
    for (int column = 2 * lane; column < c.dim; column += 64) {
      float x = 0, y = 0;
      for (int p = 0; p < tile.parts; p++) {
        const float2 part = *retyped<const float2>(c.partial + ((first + p * tile.rows) * padded_dim + column));
        x += part.x;
        y += part.y;
      }
      store_pair(c.dq, at + column, x, y, column + 1 < c.dim);
    }
  }
}

// --- dK and dV -------------------------------------------------------------------------------------------------------

template <int dim_, int queries_>
struct Keys {
  static constexpr int dim = dim_;
  static constexpr int keys = kKeyTile;
  static constexpr int queries = queries_;  // stacked rows at a time
  static constexpr int tile_bytes = keys * dim * 2;
  static constexpr int operand_bytes = queries * dim * 2;
  static constexpr int rows_bytes = 256 * ((3 * 4 * queries + 255) / 256);  // lse, delta, visible
  static constexpr int stage_bytes = 2 * operand_bytes + rows_bytes;
  // Shared memory: keys, values, then two stages of queries, dout, and per-row lse, delta, visible.
  static constexpr int first_stage = 2 * tile_bytes;
  static constexpr int shared_bytes = first_stage + 2 * stage_bytes;
};

template <class F>
__device__ __forceinline__ void load_queries(const BackwardCall& c, const KeyTile& tile, Shared<unsigned char> memory,
                                             int stage, int first, int head) {
  load_tile<F::dim, F::queries>(memory, stage, stacked(c.q, c, tile.q_begin, first, tile.end, head), c.dim, c.wide);
  load_tile<F::dim, F::queries>(memory, stage + F::operand_bytes,
                                stacked(c.dout, c, tile.q_begin, first, tile.end, head), c.dim, c.wide);
  copy_row_values<F::queries>(c, tile, memory, stage + 2 * F::operand_bytes, first, head);
}

// dV += P^T dout and dK += dS^T Q for the warp's 16 keys and the queries of a stage. GEMMs are transposed (keys by
// queries), so the register layout of P^T and dS^T matches the operand of the next GEMM.
template <class F>
__device__ __forceinline__ void add_gradients(float (&dk)[1][F::dim / 8][4], float (&dv)[1][F::dim / 8][4],
                                              const BackwardCall& c, Shared<unsigned char> memory, int stage, int at,
                                              bool cut) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  float s[1][F::queries / 8][4] = {}, dp[1][F::queries / 8][4] = {};
  const MatrixAddress<F::dim> k(0, warp * 16 + a_row(lane), a_half(lane));
  const MatrixAddress<F::dim> q(stage, b_row(lane), b_half(lane));
#pragma unroll
  for (int step = 0; step < F::dim / 16; step++) {
    uint32_t a[1][4];
    load_matrices(a[0], memory, k.at(0, step));
    multiply_by_rows<F::dim, F::queries>(s, a, memory, q, step);
  }
  const MatrixAddress<F::dim> v(F::tile_bytes, warp * 16 + a_row(lane), a_half(lane));
  const MatrixAddress<F::dim> g(stage + F::operand_bytes, b_row(lane), b_half(lane));
#pragma unroll
  for (int step = 0; step < F::dim / 16; step++) {
    uint32_t a[1][4];
    load_matrices(a[0], memory, v.at(0, step));
    multiply_by_rows<F::dim, F::queries>(dp, a, memory, g, step);
  }
  const int key = at + warp * 16 + lane / 4;
#pragma unroll
  for (int i = 0; i < F::queries / 8; i++) {
    const Shared<unsigned char> rows = memory + (stage + 2 * F::operand_bytes + 4 * (8 * i + lane % 4 * 2));
    const float2 lse = *retyped<const float2>(rows);
    const float2 delta = *retyped<const float2>(rows + 4 * F::queries);
    const int2 seen = *retyped<const int2>(rows + 8 * F::queries);
#pragma unroll
    for (int e = 0; e < 4; e++) {
      const float exponent = s[0][i][e] * (c.scale * kLog2E) - (e % 2 ? lse.y : lse.x) * kLog2E;
      float p = exp2_fast(exponent);
      if (cut && key + e / 2 * 8 >= (e % 2 ? seen.y : seen.x)) p = 0;
      s[0][i][e] = p;
      dp[0][i][e] = p * (dp[0][i][e] - (e % 2 ? delta.y : delta.x));
    }
  }
  const MatrixAddress<F::dim> q_columns(stage, a_row(lane), a_half(lane));
  const MatrixAddress<F::dim> g_columns(stage + F::operand_bytes, a_row(lane), a_half(lane));
#pragma unroll
  for (int block = 0; block < F::queries / 16; block++) {
    uint32_t a[1][4];
    as_fragment(a[0], s[0][2 * block], s[0][2 * block + 1]);
    multiply_by_columns<F::dim>(dv, a, memory, g_columns, block);
    as_fragment(a[0], dp[0][2 * block], dp[0][2 * block + 1]);
    multiply_by_columns<F::dim>(dk, a, memory, q_columns, block);
  }
}

// Launch: (key tiles of 64, G) x 128 threads; each warp has 16 keys. The query heads of a key head are consecutive in
// the stacked rows, so the loop sums over them. Bound: tensor cores, close to the shared memory limit. 8 D FLOP per row
// and key: scores, dP, dV, and dK.
template <class F>
__global__ void __launch_bounds__(kAttentionThreads, 2) key_gradients(const BackwardCall c) {
  VQ_DYNAMIC_SHARED(memory);
  const KeyTile tile = c.key_tiles[blockIdx.x];
  const int head = static_cast<int>(blockIdx.y);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  float dk[1][F::dim / 8][4] = {}, dv[1][F::dim / 8][4] = {};
  if (tile.first < tile.end) {
    load_keys<RowTile<F::dim, F::keys>>(c, tile.row, tile.keys, memory, 0, head);
    load_queries<F>(c, tile, memory, F::first_stage, tile.first, head);
    copies_commit();
  }
  for (int first = tile.first, n = 0; first < tile.end; first += F::queries, n++) {
    copies_wait<0>();
    __syncthreads();
    if (first + F::queries < tile.end) {
      load_queries<F>(c, tile, memory, F::first_stage + (n + 1) % 2 * F::stage_bytes, first + F::queries, head);
    }
    copies_commit();
    if (warp * 16 < tile.keys) {
      add_gradients<F>(dk, dv, c, memory, F::first_stage + n % 2 * F::stage_bytes, tile.at, first < tile.full_from);
    }
  }
  copies_wait<0>();
#pragma unroll
  for (int r = 0; r < 2; r++) {
    store_key_gradients<F::dim>(
        c, tile, head, warp * 16 + lane / 4 + 8 * r, [&](int n, int e) { return dk[0][n][2 * r + e]; },
        [&](int n, int e) { return dv[0][n][2 * r + e]; });
  }
}

template <int dim>
void launch_dim(const BackwardCall& c, const BackwardGrid& grid, bool tall, Stream stream) {
  using Q = Queries<dim>;
  if (grid.key_tiles > 0) {
    const dim3 blocks(grid.key_tiles, grid.kv_heads);
    if (tall) {
      launch({blocks, kAttentionThreads, stream, Keys<dim, 32>::shared_bytes}, key_gradients<Keys<dim, 32>>, c);
    } else {
      launch({blocks, kAttentionThreads, stream, Keys<dim, 16>::shared_bytes}, key_gradients<Keys<dim, 16>>, c);
    }
  }
  if (grid.query_tiles > 0) {
    launch({dim3(grid.query_tiles, grid.kv_heads), kAttentionThreads, stream, Q::shared_bytes}, query_gradients<Q>, c);
  }
  if (grid.merges > 0) {
    launch({dim3(grid.merges, grid.kv_heads), kAttentionThreads, stream}, sum_parts, c, dim);
  }
}

bool in_pairs(const Tensor& t) {
  return t.stride % 2 == 0 && reinterpret_cast<uintptr_t>(t.data) % (2 * size_of(t.dtype)) == 0;
}

template <class Gradient, class Result>
void launch_deltas(Global<float> delta, const Tensor& dout, const Tensor& out, const AttentionShape& shape,
                   Stream stream) {
  const int64_t items = dout.rows * shape.heads;
  const bool pairs = shape.head_dim % 2 == 0 && in_pairs(dout) && in_pairs(out);
  launch({static_cast<unsigned>((items + kAttentionWarps - 1) / kAttentionWarps), kAttentionThreads, stream},
         row_deltas<Gradient, Result>, delta, static_cast<const Gradient*>(dout.data), dout.stride,
         static_cast<const Result*>(out.data), out.stride, items, shape.heads, shape.head_dim, pairs);
}

}  // namespace

void launch_row_deltas(Global<float> delta, const Tensor& dout, const Tensor& out, const AttentionShape& shape,
                       Stream stream) {
  if (dout.rows == 0) return;
  if (dout.dtype == DType::bf16) {
    out.dtype == DType::bf16 ? launch_deltas<bf16, bf16>(delta, dout, out, shape, stream)
                             : launch_deltas<bf16, float>(delta, dout, out, shape, stream);
  } else {
    out.dtype == DType::bf16 ? launch_deltas<float, bf16>(delta, dout, out, shape, stream)
                             : launch_deltas<float, float>(delta, dout, out, shape, stream);
  }
}

void launch_attention_backward(const BackwardCall& c, int padded_dim, const BackwardGrid& grid, bool tall,
                               Stream stream) {
  switch (padded_dim) {
    case 64:
      return launch_dim<64>(c, grid, tall, stream);
    case 96:
      return launch_dim<96>(c, grid, tall, stream);
    default:
      return launch_dim<128>(c, grid, tall, stream);
  }
}

}  // namespace vq::cuda
