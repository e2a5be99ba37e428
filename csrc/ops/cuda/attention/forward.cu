// Attention forward in tiles with an online softmax (flash attention): scores exist only in registers.
#include "ops/cuda/attention/rows.h"

namespace vq::cuda {
namespace {

template <int dim_, int blocks_>
struct Forward {
  static constexpr int dim = dim_;
  static constexpr int blocks = blocks_;  // 16-row blocks per warp
  static constexpr int rows = kAttentionWarps * 16 * blocks;
  static constexpr int keys = attention_block_keys(dim);
  // Shared memory: the queries, then two stages of keys and values.
  static constexpr int tile_bytes = keys * dim * 2;
  static constexpr int stage = rows * dim * 2;
  static constexpr int shared_bytes = stage + 4 * tile_bytes;
};

// One warp's rows.
template <class F>
struct Softmax {
  float max[F::blocks][2], sum[F::blocks][2];
  int limit[F::blocks][2];  // visible keys of the last range, per row
};

// Converts scores to probabilities (relative to max) and rescales the running sums when max changes.
template <class F>
__device__ __forceinline__ void softmax_step(float (&s)[F::blocks][F::keys / 8][4],
                                             float (&o)[F::blocks][F::dim / 8][4], Softmax<F>& rows, float scale) {
  float top[F::blocks][2];
  bool grows = false;
#pragma unroll
  for (int b = 0; b < F::blocks; b++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float x = fmaxf(s[b][0][2 * r], s[b][0][2 * r + 1]);
#pragma unroll
      for (int n = 1; n < F::keys / 8; n++) x = fmaxf(x, fmaxf(s[b][n][2 * r], s[b][n][2 * r + 1]));
      top[b][r] = x;
      grows = grows || x * scale > rows.max[b][r] + kSlack;
    }
  if (__any_sync(kAllLanes, grows)) {
#pragma unroll
    for (int b = 0; b < F::blocks; b++)
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const float x = fmaxf(rows.max[b][r], quad_max(top[b][r]) * scale);
        const float shrink = exp2_fast(rows.max[b][r] - x);
        rows.max[b][r] = x;
        rows.sum[b][r] *= shrink;
#pragma unroll
        for (int n = 0; n < F::dim / 8; n++) {
          o[b][n][2 * r] *= shrink;
          o[b][n][2 * r + 1] *= shrink;
        }
      }
  }
#pragma unroll
  for (int b = 0; b < F::blocks; b++)
#pragma unroll
    for (int n = 0; n < F::keys / 8; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        s[b][n][e] = exp2_fast(s[b][n][e] * scale - rows.max[b][e / 2]);
        rows.sum[b][e / 2] += s[b][n][e];
      }
}

// Processes one block of keys for the warp's rows.
template <class F>
__device__ __forceinline__ void attend(float (&o)[F::blocks][F::dim / 8][4], Softmax<F>& rows, const ForwardCall& c,
                                       Shared<unsigned char> memory, int stage, const KeyCursor& block, int least) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  float s[F::blocks][F::keys / 8][4] = {};
  const MatrixAddress<F::dim> q(0, warp * 16 * F::blocks + a_row(lane), a_half(lane));
  const MatrixAddress<F::dim> k(stage, b_row(lane), b_half(lane));
#pragma unroll
  for (int step = 0; step < F::dim / 16; step++) {
    uint32_t a[F::blocks][4];
#pragma unroll
    for (int b = 0; b < F::blocks; b++) load_matrices(a[b], memory, q.at(b, step));
    multiply_by_rows<F::dim, F::keys>(s, a, memory, k, step);
  }
  const bool last = block.range == block.last;
  if (block.at + F::keys > (last ? min(least, block.count) : block.count)) {
#pragma unroll
    for (int b = 0; b < F::blocks; b++)
#pragma unroll
      for (int n = 0; n < F::keys / 8; n++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
          const int key = block.at + 8 * n + lane % 4 * 2 + e % 2;
          if (key >= (last ? rows.limit[b][e / 2] : block.count)) s[b][n][e] = -INFINITY;
        }
  }
  softmax_step<F>(s, o, rows, c.scale * kLog2E);
  const MatrixAddress<F::dim> v(stage + F::tile_bytes, a_row(lane), a_half(lane));
#pragma unroll
  for (int block16 = 0; block16 < F::keys / 16; block16++) {
    uint32_t p[F::blocks][4];
#pragma unroll
    for (int b = 0; b < F::blocks; b++) as_fragment(p[b], s[b][2 * block16], s[b][2 * block16 + 1]);
    multiply_by_columns<F::dim>(o, p, memory, v, block16);
  }
}

// Launch: (query tiles, G) x 128 threads; each warp owns 16 or 32 stacked rows. Bound: tensor cores. 4 D FLOP per row
// and key; K and V are read from L2 once for each tile of 64 or 128 stacked rows.
template <class F>
__global__ void __launch_bounds__(kAttentionThreads, F::blocks == 1 ? 3 : 2) attend_tile(const ForwardCall c) {
  if (F::blocks == 2 && !kHasLargeShared) return;
  VQ_DYNAMIC_SHARED(memory);
  const QueryTile tile = c.tiles[blockIdx.x];
  const int head = static_cast<int>(blockIdx.y);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  KeyCursor next(c.ranges, tile);
  load_tile<F::dim, F::rows>(memory, 0, stacked(c.q, c, tile.q_begin, tile.first, tile.first + tile.rows, head), c.dim,
                             c.wide);
  if (tile.blocks > 0) load_keys<RowTile<F::dim, F::keys>>(c, next, memory, F::stage, head);
  copies_commit();

  Softmax<F> rows;
  int most = 0;
  const KeyRange last = c.ranges[tile.last_range];
#pragma unroll
  for (int b = 0; b < F::blocks; b++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const int row = (warp * F::blocks + b) * 16 + lane / 4 + 8 * r;
      rows.max[b][r] = kNothing;
      rows.sum[b][r] = 0;
      rows.limit[b][r] = 0;
      if (row < tile.rows) {
        const int seen = c.visible[tile.q_begin + divide(tile.first + row, c.group)];
        rows.limit[b][r] = min(seen, last.count);
      }
      most = max(most, rows.limit[b][r]);
    }
  most = warp_max(most);
  const bool has_rows = warp * F::blocks * 16 < tile.rows;

  float o[F::blocks][F::dim / 8][4] = {};
  for (int n = 0; n < tile.blocks; n++) {
    copies_wait<0>();
    __syncthreads();
    const KeyCursor block = next;
    next.advance(F::keys);
    if (n + 1 < tile.blocks)
      load_keys<RowTile<F::dim, F::keys>>(c, next, memory, F::stage + (n + 1) % 2 * 2 * F::tile_bytes, head);
    copies_commit();
    if (!has_rows || (block.range == block.last && block.at >= most)) continue;
    attend<F>(o, rows, c, memory, F::stage + n % 2 * 2 * F::tile_bytes, block, tile.least);
  }
  copies_wait<0>();
#pragma unroll
  for (int b = 0; b < F::blocks; b++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      store_row<F::dim>(c, tile, head, (warp * F::blocks + b) * 16 + lane / 4 + 8 * r, rows.max[b][r], rows.sum[b][r],
                        [&](int n, int e) { return o[b][n][2 * r + e]; });
    }
}

// Merges the partial results of rows that were split along the keys, in order. Launch: (merge tiles, G) x 128 threads,
// one warp per row. Bound: memory; the partial results are read once.
__global__ void __launch_bounds__(kAttentionThreads) merge_parts(const ForwardCall c, int padded_dim) {
  const MergeTile tile = c.merges[blockIdx.x];
  const int head = static_cast<int>(blockIdx.y);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  for (int row = warp; row < tile.rows; row += kAttentionWarps) {
    const int64_t first = head * c.partial_rows + tile.partial + row;
    float top = kNothing;
    for (int p = 0; p < tile.parts; p++) {
      const float lse = c.partial_lse[first + p * tile.rows];
      top = fmaxf(top, lse);
    }
    float sum = 0;
    for (int p = 0; p < tile.parts; p++) {
      const float lse = c.partial_lse[first + p * tile.rows];
      sum += exp2_fast((lse - top) * kLog2E);
    }
    const float factor = sum > 0 ? 1 / sum : 0;
    const int m = tile.first + row, query = tile.q_begin + divide(m, c.group);
    const int of_head = head * c.group.by + m - divide(m, c.group) * c.group.by;
    if (lane == 0 && c.lse != nullptr) c.lse[int64_t{query} * c.heads + of_head] = top + logf(sum);
    for (int column = 2 * lane; column < c.dim; column += 64) {
      float x = 0, y = 0;
      for (int p = 0; p < tile.parts; p++) {
        const float lse = c.partial_lse[first + p * tile.rows];
        const float share = exp2_fast((lse - top) * kLog2E) * factor;
        const float2 o = *retyped<const float2>(c.partial + ((first + p * tile.rows) * padded_dim + column));
        x += share * o.x;
        y += share * o.y;
      }
      store_pair(c.o, query * c.o.stride + of_head * c.dim + column, x, y, column + 1 < c.dim);
    }
  }
}

template <class F>
void launch_tiles(const ForwardCall& c, unsigned tiles, unsigned kv_heads, Stream stream) {
  launch({dim3(tiles, kv_heads), kAttentionThreads, stream, F::shared_bytes}, attend_tile<F>, c);
}

}  // namespace

void launch_attention_forward(const ForwardCall& c, int padded_dim, int blocks, unsigned tiles, unsigned merges,
                              unsigned kv_heads, Stream stream) {
  if (tiles == 0) return;
  const bool tall = blocks == 2;
  switch (padded_dim) {
    case 64:
      tall ? launch_tiles<Forward<64, 2>>(c, tiles, kv_heads, stream)
           : launch_tiles<Forward<64, 1>>(c, tiles, kv_heads, stream);
      break;
    case 96:
      tall ? launch_tiles<Forward<96, 2>>(c, tiles, kv_heads, stream)
           : launch_tiles<Forward<96, 1>>(c, tiles, kv_heads, stream);
      break;
    default:
      tall ? launch_tiles<Forward<128, 2>>(c, tiles, kv_heads, stream)
           : launch_tiles<Forward<128, 1>>(c, tiles, kv_heads, stream);
  }
  if (merges > 0) launch({dim3(merges, kv_heads), kAttentionThreads, stream}, merge_parts, c, padded_dim);
}

}  // namespace vq::cuda
