// Selects the kernels for a call and fills in their arguments.
#include <algorithm>

#include "ops/cuda/attention/attention.h"
#include "ops/cuda/attention/kernels.h"

namespace vq::cuda {
namespace {

template <class... Operands>
bool tiled(const AttentionShape& shape, const Operands&... t) {
  constexpr int64_t kWidest = int64_t{1} << 30;
  return shape.head_dim <= kLargestTiledDim && ((t.dtype == DType::bf16 && t.stride <= kWidest) && ...);
}
// Rows of a head begin at multiples of 16 bytes and are whole numbers of 16 bytes.
template <class... Operands>
bool wide(const AttentionShape& shape, const Operands&... t) {
  return shape.head_dim % 8 == 0 && ((t.stride % 8 == 0 && reinterpret_cast<uintptr_t>(t.data) % 16 == 0) && ...);
}

Operand operand(const Tensor& t) { return {static_cast<const bf16*>(t.data), static_cast<int>(t.stride)}; }

AnyOperand any_operand(const Tensor& t) {
  if (t.dtype == DType::f32) return {static_cast<const float*>(t.data), nullptr, t.stride};
  return {nullptr, static_cast<const bf16*>(t.data), t.stride};
}

OutputRows output(const Tensor& t, const AttentionShape& shape) {
  const bool pairs = shape.head_dim % 2 == 0 && t.stride % 2 == 0 && reinterpret_cast<uintptr_t>(t.data) % 4 == 0;
  if (t.dtype == DType::f32) return {static_cast<float*>(t.data), nullptr, t.stride, pairs};
  return {nullptr, static_cast<bf16*>(t.data), t.stride, pairs};
}

// The fields that all kinds of kernels share.
template <class Call>
Call call_of(const TableCache::Tables& t, const AttentionShape& shape) {
  Call c{};
  c.tiles = t.tiles;
  c.merges = t.merges;
  c.key_tiles = t.key_tiles;
  c.ranges = t.ranges;
  c.visible = t.visible;
  c.group = divider(shape.heads / shape.kv_heads);
  c.heads = shape.heads;
  c.dim = shape.head_dim;
  c.scale = shape.scale;
  return c;
}

int64_t tiles_of(const AttentionPlan& plan, int64_t group, int64_t rows) {
  int64_t n = 0;
  for (const AttentionSegment& s : plan.segments) n += (s.q_count * group + rows - 1) / rows;
  return n;
}

[[noreturn]] void too_fragmented() {
  throw Error("attention: the keys are in more ranges than the reserved tables hold; start a new session");
}

}  // namespace

Attention::Gpu attention_gpu(const Gpu& gpu) {
  constexpr size_t kLargeShared = size_t{100} << 10;
  const bool runs_code_of_8_6 = gpu.major == 8 && gpu.minor == 7;
  return {gpu.multiprocessors, gpu.shared_bytes > kLargeShared && !runs_code_of_8_6};
}

// Blocks with wgmma are large: use them only if there is one for each multiprocessor and most of their rows exist.
bool Attention::takes_wgmma(const AttentionPlan& plan, const AttentionShape& shape) const {
  if (!gpu_.wgmma || padded_dim(shape.head_dim) % 64 != 0) return false;
  const int64_t group = shape.heads / shape.kv_heads, tiles = tiles_of(plan, group, kHopperRows);
  return tiles * shape.kv_heads >= gpu_.multiprocessors &&
         2 * tiles_of(plan, group, 1) >= tiles * kHopperRows;  // tiles of one row: the rows
}

AttentionBytes Attention::grown(int64_t rows, const AttentionShape& shape) const {
  const AttentionBytes more = attention_bytes(rows, shape, gpu_.multiprocessors);
  return {std::max(reserved_.tables, more.tables), std::max(reserved_.deltas, more.deltas),
          std::max(reserved_.partials, more.partials)};
}

void Attention::set_workspace(void* memory, int64_t rows, const AttentionShape& shape) {
  reserved_ = grown(rows, shape);
  tables_.set_memory(memory, reserved_.tables);
  scratch_ = static_cast<char*>(memory) + reserved_.tables;
}

Attention::Partials Attention::partials(int64_t rows, int kv_heads, int padded_dim) const {
  auto* values = reinterpret_cast<float*>(scratch_ + reserved_.deltas);
  const int64_t count = kv_heads * rows * padded_dim;
  if (static_cast<size_t>(count + kv_heads * rows) * sizeof(float) > reserved_.partials) {
    throw Error("attention: more rows than the reserved workspace holds");
  }
  return {values, values + count};
}

bool Attention::begin_fixed(const AttentionPlan& plan, std::optional<Split>& split) {
  fixed_split_ = &split;
  fixed_ = nullptr;
  if (!split) return true;
  fixed_ = tables_.upload_fixed(plan, split->shape, split->sizes);
  if (!fixed_) end_fixed();
  return fixed_;
}

const TableCache::Tables* Attention::tables_for(const AttentionPlan& plan, const AttentionShape& shape,
                                                const TileSizes& sizes, bool may_split) {
  if (fixed_split_ && !fixed_) {
    const int64_t blocks = tiles_of(plan, shape.heads / shape.kv_heads, sizes.rows) * shape.kv_heads;
    TileSizes fixed = sizes;
    fixed.parts = may_split ? static_cast<int>((wanted() + blocks - 1) / blocks) : 1;
    fixed_ = tables_.upload_fixed(plan, shape, fixed);
    if (fixed_) {
      *fixed_split_ = Split{shape, fixed};
    } else {
      end_fixed();
    }
  }
  return fixed_split_ ? fixed_ : tables_.get(plan, shape, sizes, may_split ? wanted() : 0, 0);
}

void Attention::forward(Stream stream, const Tensor& o, float* lse, const Tensor& q, const Tensor& k, const Tensor& v,
                        const AttentionShape& shape, const AttentionPlan& plan) {
  if (plan.segments.empty()) return;
  const int64_t group = shape.heads / shape.kv_heads;
  const auto kv_heads = static_cast<unsigned>(shape.kv_heads);
  const bool in_tiles = tiled(shape, q, k, v);
  const bool hopper = in_tiles && !fixed_split_ && takes_wgmma(plan, shape);
  // Tall tiles read shared memory half as often. Use them if there are enough and two fit on a multiprocessor.
  const bool tall =
      in_tiles && !hopper && gpu_.large_shared && tiles_of(plan, group, 2 * kTileRows) * kv_heads >= wanted();
  const int dim = padded_dim(shape.head_dim);
  const TileSizes sizes =
      hopper ? TileSizes{kHopperRows, kHopperKeys, 0}
             : TileSizes{tall ? 2 * kTileRows : kTileRows, in_tiles ? attention_block_keys(dim) : 1, 0};
  const TableCache::Tables* t = tables_for(plan, shape, sizes, in_tiles && !hopper);
  if (!t) {
    const size_t half = plan.segments.size() / 2;
    if (half == 0) too_fragmented();
    forward(stream, o, lse, q, k, v, shape, {plan.segments.first(half), plan.ranges, plan.visible});
    forward(stream, o, lse, q, k, v, shape, {plan.segments.subspan(half), plan.ranges, plan.visible});
    return;
  }
  if (!in_tiles) {
    auto c = call_of<ReferenceCall>(*t, shape);
    c.q = any_operand(q);
    c.k = any_operand(k);
    c.v = any_operand(v);
    c.o = output(o, shape);
    c.lse = lse;
    launch_reference_forward(c, t->tile_count, kv_heads, stream);
    return;
  }
  const Partials parts = partials(t->partial_rows, shape.kv_heads, dim);
  auto c = call_of<ForwardCall>(*t, shape);
  c.q = operand(q);
  c.k = operand(k);
  c.v = operand(v);
  c.o = output(o, shape);
  c.lse = lse;
  c.partial = parts.values;
  c.partial_lse = parts.lse;
  c.partial_rows = t->partial_rows;
  c.wide = wide(shape, q, k, v);
  if (hopper) return launch_hopper_forward(c, dim, t->tile_count, kv_heads, stream);
  launch_attention_forward(c, dim, tall ? 2 : 1, t->tile_count, t->merge_count, kv_heads, stream);
}

void Attention::backward(Stream stream, const Tensor& dq, const Tensor& dk, const Tensor& dv, const Tensor& dout,
                         const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out, const float* lse,
                         const AttentionShape& shape, const AttentionPlan& plan) {
  const auto kv_heads = static_cast<unsigned>(shape.kv_heads);
  const bool in_tiles = tiled(shape, q, k, v, dout), hopper = in_tiles && takes_wgmma(plan, shape);
  const int dim = padded_dim(shape.head_dim);
  const TileSizes sizes = hopper ? TileSizes{kHopperRows, kHopperKeys, kHopperKeyTile}
                                 : TileSizes{kTileRows, in_tiles ? attention_block_keys(dim) : 1, kKeyTile};
  const TableCache::Tables* t = tables_.get(plan, shape, sizes, in_tiles && !hopper ? wanted() : 0, k.rows);
  auto* delta = reinterpret_cast<float*>(scratch_);
  if (!t || static_cast<size_t>(dout.rows * shape.heads) * sizeof(float) > reserved_.deltas) {
    throw Error("attention: more rows in the backward pass than the reserved workspace holds");
  }
  launch_row_deltas(delta, dout, out, shape, stream);
  if (!in_tiles) {
    auto c = call_of<ReferenceCall>(*t, shape);
    c.q = any_operand(q);
    c.k = any_operand(k);
    c.v = any_operand(v);
    c.dout = any_operand(dout);
    c.dq = output(dq, shape);
    c.dk = output(dk, shape);
    c.dv = output(dv, shape);
    c.lse = const_cast<float*>(lse);
    c.delta = delta;
    launch_reference_backward(c, t->tile_count, t->key_tile_count, kv_heads, stream);
    return;
  }
  auto c = call_of<BackwardCall>(*t, shape);
  c.q = operand(q);
  c.k = operand(k);
  c.v = operand(v);
  c.dout = operand(dout);
  c.dq = output(dq, shape);
  c.dk = output(dk, shape);
  c.dv = output(dv, shape);
  c.lse = lse;
  c.delta = delta;
  c.partial = partials(t->partial_rows, shape.kv_heads, dim).values;
  c.partial_rows = t->partial_rows;
  c.wide = wide(shape, q, k, v, dout);
  const BackwardGrid grid = {t->tile_count, t->merge_count, t->key_tile_count, kv_heads};
  if (hopper) return launch_hopper_backward(c, dim, grid, stream);
  launch_attention_backward(c, dim, grid, gpu_.large_shared, stream);
}

}  // namespace vq::cuda
