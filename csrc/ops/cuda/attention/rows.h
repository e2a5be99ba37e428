// Per-row reads and writes of the attention kernels, independent of the GEMM instruction: for one thread and the three
// that share its accumulator rows (see mma_bf16). value(n, e) is the thread's element in column 8 n + 2 (lane % 4) + e.
#pragma once

#include "ops/cuda/attention/tile.h"

namespace vq::cuda {

// Writes two adjacent elements starting at `at`; the second only if `both`.
__device__ __forceinline__ void store_pair(const OutputRows& to, int64_t at, float x, float y, bool both) {
  if (to.b16 != nullptr) {
    if (to.pairs && both) {
      *retyped<uint32_t>(to.b16 + at) = pack_bf16(x, y);
    } else {
      to.b16[at] = from_float<bf16>(x);
      if (both) to.b16[at + 1] = from_float<bf16>(y);
    }
  } else {
    to.f32[at] = x;
    if (both) to.f32[at + 1] = y;
  }
}

// One row of the forward pass, shared by four lanes: value(n, e) is the lane's element in column 8 n + 2 (lane % 4) +
// e, relative to max; sum is the lane's share of the sum of probabilities.
template <int dim, class Value>
__device__ __forceinline__ void store_row(const ForwardCall& c, const QueryTile& tile, int head, int row, float max,
                                          float lane_sum, Value value) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const float sum = quad_sum(lane_sum);
  if (row >= tile.rows) return;
  const float factor = sum > 0 ? 1 / sum : 0;
  const float lse = (max + log2f(sum)) * kLn2;
  const int m = tile.first + row, query = tile.q_begin + divide(m, c.group);
  const int of_head = head * c.group.by + m - divide(m, c.group) * c.group.by;
  const bool whole = tile.partial < 0;
  const int64_t part = head * c.partial_rows + tile.partial + row;
  if (lane % 4 == 0) {
    if (!whole) {
      c.partial_lse[part] = lse;
    } else if (c.lse != nullptr) {
      c.lse[int64_t{query} * c.heads + of_head] = lse;
    }
  }
#pragma unroll
  for (int n = 0; n < dim / 8; n++) {
    const int column = 8 * n + lane % 4 * 2;
    const float x = value(n, 0) * factor, y = value(n, 1) * factor;
    if (!whole) {
      *retyped<float2>(c.partial + (part * dim + column)) = make_float2(x, y);
    } else if (column < c.dim) {
      store_pair(c.o, query * c.o.stride + of_head * c.dim + column, x, y, column + 1 < c.dim);
    }
  }
}

template <class Call>
__device__ __forceinline__ StackedSource stacked(const Operand& x, const Call& c, int q_begin, int first, int end,
                                                 int head) {
  return {x.data + (int64_t{q_begin} * x.stride + head * c.group.by * c.dim), x.stride, c.group, c.dim, first, end};
}

// The thread's two rows of a query tile in the backward pass, 8 rows apart.
struct RowPair {
  float lse[2], delta[2];  // lse in log2 units
  int limit[2];            // keys of the tile's range visible to each
  __device__ __forceinline__ RowPair(const BackwardCall& c, const QueryTile& tile, const KeyCursor& keys, int head,
                                     int first_row) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const int row = first_row + 8 * r;
      lse[r] = delta[r] = 0;
      limit[r] = 0;
      if (row >= tile.rows) continue;
      const int m = tile.first + row, query = tile.q_begin + divide(m, c.group);
      const int64_t at = int64_t{query} * c.heads + head * c.group.by + m - divide(m, c.group) * c.group.by;
      lse[r] = c.lse[at] * kLog2E;
      delta[r] = c.delta[at];
      const int seen = c.visible[query];
      limit[r] = min(seen, keys.count);
    }
  }
};

// Writes a row of dQ.
template <int dim, class Value>
__device__ __forceinline__ void store_query_gradient(const BackwardCall& c, const QueryTile& tile, int head, int row,
                                                     Value value) {
  if (row >= tile.rows) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int m = tile.first + row, query = tile.q_begin + divide(m, c.group);
  const int64_t at = query * c.dq.stride + (head * c.group.by + m - divide(m, c.group) * c.group.by) * c.dim;
  const int64_t part = head * c.partial_rows + tile.partial + row;
#pragma unroll
  for (int n = 0; n < dim / 8; n++) {
    const int column = 8 * n + lane % 4 * 2;
    const float x = value(n, 0) * c.scale, y = value(n, 1) * c.scale;
    if (tile.partial >= 0) {
      *retyped<float2>(c.partial + (part * dim + column)) = make_float2(x, y);
    } else if (column < c.dim) {
      store_pair(c.dq, at + column, x, y, column + 1 < c.dim);
    }
  }
}

// Writes a row of dK and a row of dV.
template <int dim, class KeyValue, class ValueValue>
__device__ __forceinline__ void store_key_gradients(const BackwardCall& c, const KeyTile& tile, int head, int row,
                                                    KeyValue dk, ValueValue dv) {
  if (row >= tile.keys) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int64_t at = tile.row + row;
#pragma unroll
  for (int n = 0; n < dim / 8; n++) {
    const int column = 8 * n + lane % 4 * 2;
    if (column >= c.dim) continue;
    store_pair(c.dk, at * c.dk.stride + head * c.dim + column, dk(n, 0) * c.scale, dk(n, 1) * c.scale,
               column + 1 < c.dim);
    store_pair(c.dv, at * c.dv.stride + head * c.dim + column, dv(n, 0), dv(n, 1), column + 1 < c.dim);
  }
}

// Starts copying lse, delta and the visible key counts of `count` stacked rows, starting at `first`, to `to`.
template <int count>
__device__ __forceinline__ void copy_row_values(const BackwardCall& c, const KeyTile& tile,
                                                Shared<unsigned char> memory, int to, int first, int head) {
  const int row = static_cast<int>(threadIdx.x);
  if (row >= count) return;
  const int m = first + row, offset = to + 4 * row;
  const bool exists = m < tile.end;
  const int query = exists ? tile.q_begin + divide(m, c.group) : 0;
  const int of_group = exists ? m - divide(m, c.group) * c.group.by : 0;
  const int64_t at = int64_t{query} * c.heads + head * c.group.by + of_group;
  copy_4(memory, offset, c.lse + at, exists);
  copy_4(memory, offset + 4 * count, c.delta + at, exists);
  copy_4(memory, offset + 8 * count, c.visible + query, exists);
}

}  // namespace vq::cuda
