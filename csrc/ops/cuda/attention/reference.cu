// The reference: attention in f32 for operands of any type and head size, written for clarity rather than speed. One
// warp per query row and head, or per key and key head. The other kernels are checked against it, and it handles what
// they do not: f32, and heads of more than 128 elements.
#include "ops/cuda/attention/rows.h"

namespace vq::cuda {
namespace {

__device__ __forceinline__ float load(const AnyOperand& x, int64_t at) {
  if (x.b16 != nullptr) {
    const bf16 narrow = x.b16[at];
    return to_float(narrow);
  }
  return x.f32[at];
}

__device__ __forceinline__ float dot(const AnyOperand& x, int64_t x_at, const AnyOperand& y, int64_t y_at, int dim) {
  float sum = 0;
  for (int d = 0; d < dim; d++) sum += load(x, x_at + d) * load(y, y_at + d);
  return sum;
}

__device__ __forceinline__ float warp_sum(float x) {
  for (int lanes = 16; lanes > 0; lanes /= 2) x += __shfl_xor_sync(kAllLanes, x, lanes);
  return x;
}
__device__ __forceinline__ float warp_max(float x) {
  for (int lanes = 16; lanes > 0; lanes /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, lanes));
  return x;
}

// acc[d] = acc[d] * shrink + sum over the lanes' rows of weight * y[row][d]; lane l keeps d = l, l + 32, ...
__device__ __forceinline__ void add_rows(Shared<float> acc, float shrink, float share, const AnyOperand& y, int64_t at,
                                         int rows, int dim) {
  constexpr int kEach = 4;  // elements per lane at a time
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int first = 0; first < dim; first += 32 * kEach) {
    float sum[kEach] = {};
    for (int i = 0; i < rows; i++) {
      const float of_row = __shfl_sync(kAllLanes, share, i);
      const int64_t row = __shfl_sync(kAllLanes, at, i);
      for (int n = 0; n < kEach; n++) {
        const int d = first + 32 * n + lane;
        if (d < dim) sum[n] += of_row * load(y, row + d);
      }
    }
    for (int n = 0; n < kEach; n++) {
      const int d = first + 32 * n + lane;
      if (d < dim) acc[d] = acc[d] * shrink + sum[n];
    }
  }
}

__device__ __forceinline__ void store_row(const OutputRows& to, int64_t at, Shared<float> acc, float factor, int dim) {
  for (int d = static_cast<int>(threadIdx.x) % 32; d < dim; d += 32) store_pair(to, at + d, acc[d] * factor, 0, false);
}

// Accumulator `index` of `count` of the warp in the block's dynamic shared memory, zeroed.
__device__ __forceinline__ Shared<float> accumulator(Shared<unsigned char> memory, int dim, int index, int count) {
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const Shared<float> own = retyped<float>(memory) + (warp * count + index) * dim;
  for (int d = static_cast<int>(threadIdx.x) % 32; d < dim; d += 32) own[d] = 0;
  return own;
}

// Launch: (query tiles, G, 16) x 128 threads, one warp per row.
__global__ void reference_forward(const ReferenceCall c) {
  VQ_DYNAMIC_SHARED(memory);
  const QueryTile tile = c.tiles[blockIdx.x];
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = static_cast<int>(blockIdx.z * kAttentionWarps + threadIdx.x / 32);
  if (row >= tile.rows) return;
  const int m = tile.first + row, query = tile.q_begin + divide(m, c.group), kv_head = static_cast<int>(blockIdx.y);
  const int head = kv_head * c.group.by + m - divide(m, c.group) * c.group.by;
  const int64_t q = query * c.q.stride + head * c.dim;
  const Shared<float> acc = accumulator(memory, c.dim, 0, 1);
  float top = -INFINITY, sum = 0;
  for (int r = tile.range; r <= tile.last_range; r++) {
    const KeyRange range = c.ranges[r];
    const int seen = c.visible[query];
    const int count = r == tile.last_range ? min(seen, range.count) : range.count;
    for (int first = 0; first < count; first += 32) {
      const int key = range.begin + min(first + lane, count - 1);
      float s = c.scale * dot(c.q, q, c.k, key * c.k.stride + kv_head * c.dim, c.dim);
      if (first + lane >= count) s = -INFINITY;
      const float now = fmaxf(top, warp_max(s));
      const float p = expf(s - now), shrink = expf(top - now);
      sum = sum * shrink + warp_sum(p);
      add_rows(acc, shrink, p, c.v, key * c.v.stride + kv_head * c.dim, min(32, count - first), c.dim);
      top = now;
    }
  }
  store_row(c.o, query * c.o.stride + head * c.dim, acc, sum > 0 ? 1 / sum : 0, c.dim);
  if (lane == 0 && c.lse != nullptr) c.lse[int64_t{query} * c.heads + head] = top + logf(sum);
}

// P and dS of a query row (of one head) and a key.
struct Pair {
  float p, ds;
};
__device__ __forceinline__ Pair pair_of(const ReferenceCall& c, int query, int head, int64_t key, int kv_head) {
  const int64_t q = query * c.q.stride + head * c.dim, g = query * c.dout.stride + head * c.dim;
  const int64_t row = int64_t{query} * c.heads + head;
  const float lse = c.lse[row], delta = c.delta[row];
  const float p = expf(c.scale * dot(c.q, q, c.k, key * c.k.stride + kv_head * c.dim, c.dim) - lse);
  return {p, p * (dot(c.dout, g, c.v, key * c.v.stride + kv_head * c.dim, c.dim) - delta)};
}

// Launch: (query tiles, G, 16) x 128 threads, one warp per row.
__global__ void reference_query_gradients(const ReferenceCall c) {
  VQ_DYNAMIC_SHARED(memory);
  const QueryTile tile = c.tiles[blockIdx.x];
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = static_cast<int>(blockIdx.z * kAttentionWarps + threadIdx.x / 32);
  if (row >= tile.rows) return;
  const int m = tile.first + row, query = tile.q_begin + divide(m, c.group), kv_head = static_cast<int>(blockIdx.y);
  const int head = kv_head * c.group.by + m - divide(m, c.group) * c.group.by;
  const Shared<float> acc = accumulator(memory, c.dim, 0, 1);
  const KeyRange range = c.ranges[tile.last_range];
  const int seen = c.visible[query], count = min(seen, range.count);
  for (int first = 0; first < count; first += 32) {
    const int64_t key = range.begin + min(first + lane, count - 1);
    const Pair x = pair_of(c, query, head, key, kv_head);
    add_rows(acc, 1, x.ds, c.k, key * c.k.stride + kv_head * c.dim, min(32, count - first), c.dim);
  }
  store_row(c.dq, query * c.dq.stride + head * c.dim, acc, c.scale, c.dim);
}

// Launch: (key tiles, G, 16) x 128 threads, one warp per key.
__global__ void reference_key_gradients(const ReferenceCall c) {
  VQ_DYNAMIC_SHARED(memory);
  const KeyTile tile = c.key_tiles[blockIdx.x];
  const int lane = static_cast<int>(threadIdx.x) % 32, kv_head = static_cast<int>(blockIdx.y);
  const int row = static_cast<int>(blockIdx.z * kAttentionWarps + threadIdx.x / 32);
  if (row >= tile.keys) return;
  const Shared<float> dk = accumulator(memory, c.dim, 0, 2), dv = accumulator(memory, c.dim, 1, 2);
  const int64_t key = tile.row + row;
  for (int first = tile.first; first < tile.end; first += 32) {
    const int m = min(first + lane, tile.end - 1), query = tile.q_begin + divide(m, c.group);
    const int head = kv_head * c.group.by + m - divide(m, c.group) * c.group.by;
    const int seen = c.visible[query];
    Pair x = {0, 0};
    if (tile.at + row < seen) x = pair_of(c, query, head, key, kv_head);
    const int rows = min(32, tile.end - first);
    add_rows(dk, 1, x.ds, c.q, query * c.q.stride + head * c.dim, rows, c.dim);
    add_rows(dv, 1, x.p, c.dout, query * c.dout.stride + head * c.dim, rows, c.dim);
  }
  store_row(c.dk, key * c.dk.stride + kv_head * c.dim, dk, c.scale, c.dim);
  store_row(c.dv, key * c.dv.stride + kv_head * c.dim, dv, 1, c.dim);
}

size_t shared_bytes(int floats) { return sizeof(float) * static_cast<size_t>(kAttentionWarps * floats); }

}  // namespace

void launch_reference_forward(const ReferenceCall& c, unsigned tiles, unsigned kv_heads, Stream stream) {
  if (tiles == 0) return;
  const dim3 blocks(tiles, kv_heads, kReferenceRows / kAttentionWarps);
  launch({blocks, kAttentionThreads, stream, shared_bytes(c.dim)}, reference_forward, c);
}

void launch_reference_backward(const ReferenceCall& c, unsigned tiles, unsigned key_tiles, unsigned kv_heads,
                               Stream stream) {
  if (tiles > 0) {
    const dim3 blocks(tiles, kv_heads, kReferenceRows / kAttentionWarps);
    launch({blocks, kAttentionThreads, stream, shared_bytes(c.dim)}, reference_query_gradients, c);
  }
  if (key_tiles > 0) {
    const dim3 blocks(key_tiles, kv_heads, kKeyTile / kAttentionWarps);
    launch({blocks, kAttentionThreads, stream, shared_bytes(2 * c.dim)}, reference_key_gradients, c);
  }
}

}  // namespace vq::cuda
