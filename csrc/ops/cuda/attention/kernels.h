// The attention kernels as attention.cu calls them.
#pragma once

#include "ops/cuda/attention/plan.h"
#include "ops/cuda/cuda.h"

namespace vq::cuda {

// m / by as one multiplication, exact for m < 2^32 / by.
struct Divider {
  int by = 1;
  uint32_t magic = 0;
};
inline Divider divider(int by) {
  return {by, by == 1 ? 0 : static_cast<uint32_t>((uint64_t{1} << 32) / static_cast<uint64_t>(by) + 1)};
}

// An operand [rows, heads * dim].
struct Operand {
  Global<const bf16> data;
  int stride;
};

// A result in f32 or bf16: one of the pointers is set.
struct OutputRows {
  Global<float> f32;
  Global<bf16> b16;
  int64_t stride;
  bool pairs;  // two elements can be written at once
};

// Keys that a query tile processes at a time.
constexpr int attention_block_keys(int padded_dim) { return padded_dim <= 64 ? 64 : 32; }

// Keys of a key tile.
constexpr int kKeyTile = 64;

// The same for the kernels with wgmma (capability 9.0, padded_dim 64 or 128), whose query tiles have 128 rows.
constexpr int kHopperRows = 128, kHopperKeys = 64, kHopperKeyTile = 128;

// What all attention kernels read: the tables of the plan and the shape of the heads.
struct AttentionCall {
  Global<const QueryTile> tiles;
  Global<const MergeTile> merges;
  Global<const KeyTile> key_tiles;
  Global<const KeyRange> ranges;
  Global<const int32_t> visible;
  Divider group;
  int heads, dim;
  float scale;
};

struct ForwardCall : AttentionCall {
  Operand q, k, v;
  OutputRows o;
  Global<float> lse;          // [Tq, H] or null
  Global<float> partial;      // [G, partial_rows, padded dim]
  Global<float> partial_lse;  // [G, partial_rows]
  int64_t partial_rows;
  bool wide;  // q, k, v can be copied 16 bytes at a time
};

// padded_dim: 64, 96 or 128; blocks: 1 or 2, of 16 stacked rows for each of the 4 warps.
void launch_attention_forward(const ForwardCall& call, int padded_dim, int blocks, unsigned tiles, unsigned merges,
                              unsigned kv_heads, Stream stream);

void launch_hopper_forward(const ForwardCall& call, int padded_dim, unsigned tiles, unsigned kv_heads, Stream stream);

struct BackwardCall : AttentionCall {
  Operand q, k, v, dout;
  OutputRows dq, dk, dv;
  Global<const float> lse;    // [Tq, H]
  Global<const float> delta;  // [Tq, H]
  Global<float> partial;      // [G, partial_rows, padded dim]
  int64_t partial_rows;
  bool wide;  // q, k, v, dout can be copied 16 bytes at a time
};

struct BackwardGrid {
  unsigned query_tiles, merges, key_tiles, kv_heads;
};

// delta[Tq, H]: for each row and head, the sum of dout * out.
void launch_row_deltas(Global<float> delta, const Tensor& dout, const Tensor& out, const AttentionShape& shape,
                       Stream stream);
// tall: for GPUs with more than 100 KB of shared memory per multiprocessor.
void launch_attention_backward(const BackwardCall& call, int padded_dim, const BackwardGrid& grid, bool tall,
                               Stream stream);

void launch_hopper_backward(const BackwardCall& call, int padded_dim, const BackwardGrid& grid, Stream stream);

// --- reference.cu ----------------------------------------------------------------------------------------------------

// f32 or bf16: one of the pointers is set.
struct AnyOperand {
  Global<const float> f32;
  Global<const bf16> b16;
  int64_t stride;
};

// Query tiles have kReferenceRows rows; none is split.
struct ReferenceCall : AttentionCall {
  AnyOperand q, k, v, dout;
  OutputRows o, dq, dk, dv;
  Global<float> lse;
  Global<const float> delta;
};

constexpr int kReferenceRows = 64;

void launch_reference_forward(const ReferenceCall& call, unsigned tiles, unsigned kv_heads, Stream stream);
void launch_reference_backward(const ReferenceCall& call, unsigned tiles, unsigned key_tiles, unsigned kv_heads,
                               Stream stream);

}  // namespace vq::cuda
