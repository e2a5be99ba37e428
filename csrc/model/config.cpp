#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace vq {

static_assert(static_cast<int>(WeightFormat::plain) == VQ_WEIGHTS_PLAIN &&
              static_cast<int>(WeightFormat::int8) == VQ_WEIGHTS_INT8 &&
              static_cast<int>(WeightFormat::nf4) == VQ_WEIGHTS_NF4 &&
              static_cast<int>(WeightFormat::fp8) == VQ_WEIGHTS_FP8 &&
              static_cast<int>(WeightFormat::fp8_gemm) == VQ_WEIGHTS_FP8_GEMM);

namespace {

void want(bool ok, const std::string& complaint) {
  if (!ok) throw BadArgument(complaint);
}

bool in_range(int64_t x, int64_t limit) { return x >= 1 && x <= limit; }

// Matrices begin at multiples of 64 bytes. The floats between them stay zero.
int64_t padded(int64_t floats) { return (floats + 15) / 16 * 16; }

}  // namespace

Shape::Shape(const vq_model_config& c)
    : layers(c.layers),
      hidden(c.hidden),
      ffn(c.ffn),
      vocab(c.vocab),
      heads(c.heads),
      kv_heads(c.kv_heads),
      head_dim(c.head_dim),
      tied(c.tied != 0),
      norm_eps(c.norm_eps),
      rope_theta(c.rope_theta),
      format(static_cast<WeightFormat>(c.weights)) {
  want(c.weights >= VQ_WEIGHTS_PLAIN && c.weights <= VQ_WEIGHTS_FP8_GEMM, "there is no such format of weights");
  want(in_range(c.layers, 4096), "the number of layers is out of range");
  want(in_range(c.hidden, 1 << 20) && in_range(c.ffn, 1 << 22) && in_range(c.vocab, 1 << 24),
       "the hidden, feed-forward or vocabulary size is out of range");
  want(in_range(c.heads, 4096) && in_range(c.kv_heads, c.heads) && c.heads % c.kv_heads == 0,
       "the number of key/value heads must divide the number of heads");
  want(in_range(c.head_dim, 1024) && c.head_dim % 2 == 0, "the size of a head must be even and at most 1024");
  want(std::isfinite(c.norm_eps) && c.norm_eps >= 0, "the norms' epsilon is out of range");
  want(std::isfinite(c.rope_theta) && c.rope_theta > 0, "the rotation's base is out of range");
}

AttentionShape Shape::attention() const {
  return {heads, kv_heads, head_dim, static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)))};
}

int64_t Shape::widest_output() const { return std::max({q_size() + 2 * kv_size(), 2 * ffn, hidden}); }
int64_t Shape::widest_input() const { return std::max({hidden, q_size(), ffn}); }

InputProjections projections(const Shape& s, int layer, Input input) {
  const bool last = layer + 1 == s.layers;
  const int64_t q = s.q_size(), kv = s.kv_size();
  switch (input) {
    case attention_in:
      if (last) return {};
      return {s.hidden, {{{VQ_TARGET_Q, q, 0}, {VQ_TARGET_K, kv, q}, {VQ_TARGET_V, kv, q + kv}}}, 3};
    case query_in:
      if (!last) return {};
      return {s.hidden, {{{VQ_TARGET_Q, q, 0}}}, 1};
    case key_value_in:
      if (!last) return {};
      return {s.hidden, {{{VQ_TARGET_K, kv, 0}, {VQ_TARGET_V, kv, kv}}}, 2};
    case attention_out:
      return {q, {{{VQ_TARGET_O, s.hidden, 0}}}, 1};
    case mlp_in:
      return {s.hidden, {{{VQ_TARGET_GATE, s.ffn, 0}, {VQ_TARGET_UP, s.ffn, s.ffn}}}, 2};
    case mlp_out:
      return {s.ffn, {{{VQ_TARGET_DOWN, s.hidden, 0}}}, 1};
    case input_count:
      break;
  }
  return {};
}

AdapterLayout::AdapterLayout(const Shape& shape, const vq_adapter_config& config)
    : config_(config), layers_(shape.layers) {
  want(in_range(config.rank, 1 << 16), "the adapter's rank is out of range");
  want(config.targets != 0 && config.targets < 2 * VQ_TARGET_DOWN, "the adapter's targets are out of range");
  want(std::isfinite(config.scale), "the adapter's scale is not finite");
  want(config.dropout >= 0 && config.dropout < 1, "the adapter's dropout must be at least 0 and below 1");
  const int64_t inner = lay_out(shape, 0, inner_), last = lay_out(shape, shape.layers - 1, last_);
  layer_floats_ = std::max(inner, last);
  floats_ = layers_ * layer_floats_;
}

int64_t AdapterLayout::lay_out(const Shape& shape, int layer, Groups& groups) const {
  int64_t next = 0;
  for (int input = 0; input < input_count; input++) {
    const InputProjections all = projections(shape, layer, static_cast<Input>(input));
    AdapterGroup& group = groups[input];
    group.in = all.in;
    for (int i = 0; i < all.count; i++) {
      const Projection& p = all.list[i];
      if (!(config_.targets & p.target)) continue;
      group.parts[group.count++] = {p.target, p.out, p.column, group.ranks, 0};
      group.ranks += rank();
    }
    group.a_offset = next;
    next += padded(group.ranks * group.in);
    for (int i = 0; i < group.count; i++) {
      group.parts[i].b_offset = next;
      next += padded(group.parts[i].out * rank());
    }
  }
  return next;
}

AdapterLayout::Pair AdapterLayout::pair(int layer, unsigned target) const {
  want(layer >= 0 && layer < layers_, "the adapter has no layer " + std::to_string(layer));
  for (const AdapterGroup& g : layer + 1 < layers_ ? inner_ : last_) {
    for (int i = 0; i < g.count; i++) {
      const AdapterPart& p = g.parts[i];
      if (p.target != target) continue;
      return {layer_offset(layer) + g.a_offset + p.rank_row * g.in, rank() * g.in, layer_offset(layer) + p.b_offset,
              p.out * rank()};
    }
  }
  throw BadArgument("the adapter has no such target");
}

}  // namespace vq
