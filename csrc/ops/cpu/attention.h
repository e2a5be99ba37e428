// Shared by the forward and backward passes of attention.
//
// The J = H / G query heads of a key head g are stacked: stacked row m is query row m / J, head g J + m % J, so that
// one GEMM serves them all. A work unit is one segment and one key head. GEMMs are transposed, keys by queries, so that
// a panel of nr stacked queries fills the lanes of a vector (see isa/attention.h).
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "ops/cpu/device.h"

namespace vq::cpu {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// Keys of one range that are processed at a time.
struct KeyBlock {
  int64_t row;  // of the first key
  int64_t count;
  int64_t before;  // keys of the same range before it
  bool last;       // in the segment's last range, where `visible` limits the keys
};

// The sizes of packed operands, in elements unless noted.
struct AttentionGeometry {
  AttentionGeometry(const PanelKernel& kernel, const AttentionShape& shape)
      : mr(kernel.mr),
        nr(kernel.nr),
        group(shape.heads / shape.kv_heads),
        dim(shape.head_dim),
        dim_k(kernel.padded_k(dim)),
        dim_rows(round_up(dim, mr)),
        dim_panels(ceil_div(dim, nr)) {
    const int64_t unit = std::lcm(mr, nr);
    block = unit * std::max<int64_t>(1, (128 + unit / 2) / unit);
  }
  int64_t mr, nr;
  int64_t group;       // J
  int64_t dim;         // D
  int64_t dim_k;       // D as the k of packed operands
  int64_t dim_rows;    // D as rows of A panels
  int64_t dim_panels;  // D as B panels
  int64_t block;       // keys per block, a multiple of mr and nr

  int64_t keys_a() const { return block * dim_k; }             // a block of keys (or values): rows of A over D
  int64_t transposed_a() const { return dim_rows * block; }    // a block, transposed: D rows of A over keys
  int64_t queries_b() const { return dim_k * nr; }             // a panel of stacked queries: columns of B over D
  int64_t sums() const { return round_up(dim_rows, 8) * nr; }  // f32 sums [D][nr] of a panel of queries
  int64_t query_panels(int64_t q_count) const { return ceil_div(q_count * group, nr); }
};

inline int64_t key_blocks(const AttentionPlan& plan, const AttentionSegment& s, int64_t block) {
  int64_t n = 0;
  for (int32_t r = 0; r < s.range_count; r++)
    n += ceil_div(plan.ranges[static_cast<size_t>(s.first_range + r)].count, block);
  return n;
}

inline KeyBlock key_block(const AttentionPlan& plan, const AttentionSegment& s, int64_t block, int64_t index) {
  for (int32_t r = 0;; r++) {
    const KeyRange& range = plan.ranges[static_cast<size_t>(s.first_range + r)];
    const int64_t blocks = ceil_div(range.count, block);
    if (index < blocks)
      return {range.begin + index * block, std::min<int64_t>(block, range.count - index * block), index * block,
              r == s.range_count - 1};
    index -= blocks;
  }
}

// The columns of head g of rows starting at `row`, as lines along D.
inline StridedMatrix head_rows(const Tensor& t, int64_t row, int64_t g, int64_t dim, bool along_k) {
  const Tensor part = t.row_range(row, 0).columns(g * dim, dim);
  return {part.data, elem(t.dtype), t.stride, 1, 0, along_k};
}
// The stacked query rows of key head g of a segment.
inline StridedMatrix stacked_rows(const Tensor& t, int64_t row, int64_t g, const AttentionGeometry& geo, bool along_k) {
  const Tensor part = t.row_range(row, 0).columns(g * geo.group * geo.dim, geo.dim);
  return {part.data, elem(t.dtype), t.stride, geo.group, geo.dim, along_k};
}
// Stacked row m of t, D elements.
inline Run stacked_row(const Tensor& t, int64_t q_begin, int64_t g, int64_t m, const AttentionGeometry& geo) {
  const Tensor part =
      t.row_range(q_begin + m / geo.group, 1).columns((g * geo.group + m % geo.group) * geo.dim, geo.dim);
  return {part.data, elem(t.dtype)};
}

// Keys of the last range visible to each lane of a panel; 0 for lanes beyond the segment. Returns the maximum.
inline int32_t panel_limits(const AttentionPlan& plan, const AttentionSegment& s, int64_t panel,
                            const AttentionGeometry& geo, int32_t* limits) {
  int32_t most = 0;
  for (int64_t lane = 0; lane < geo.nr; lane++) {
    const int64_t query = (panel * geo.nr + lane) / geo.group;
    limits[lane] = query < s.q_count ? plan.visible[static_cast<size_t>(s.q_begin + query)] : 0;
    most = std::max(most, limits[lane]);
  }
  return most;
}

// The cost (see Pool) of two GEMMs of a segment and key head and the steps between them: scores, then sums.
inline int64_t attention_work(const AttentionPlan& plan, const AttentionSegment& s, const AttentionGeometry& geo) {
  int64_t keys = 0;
  for (int32_t r = 0; r < s.range_count; r++) keys += plan.ranges[static_cast<size_t>(s.first_range + r)].count;
  return keys * s.q_count * geo.group * (1 + geo.dim / 16);
}

constexpr int64_t kMostLanes = 32;

struct AttentionCall {
  const IsaKernels& isa;
  const PanelKernel& kernel;
  Pool& pool;
  const Buffer& workspace;
  const AttentionShape& shape;
  const AttentionPlan& plan;
  AttentionGeometry geo;
};

struct AttentionInputs {
  Tensor q, k, v;
};

void attention_in_blocks(const AttentionCall& call, const Tensor& o, float* lse, const AttentionInputs& in);
// For segments of one query row each: the keys and values are read in place.
void attention_of_single_rows(const AttentionCall& call, const Tensor& o, float* lse, const AttentionInputs& in);

size_t forward_workspace(const AttentionGeometry& geo, const PanelKernel& kernel, int threads, int64_t rows,
                         int64_t kv_heads);
size_t backward_workspace(const AttentionGeometry& geo, const PanelKernel& kernel, int threads, int64_t rows,
                          int64_t kv_heads);
size_t single_rows_workspace(const AttentionGeometry& geo, int threads);

}  // namespace vq::cpu
