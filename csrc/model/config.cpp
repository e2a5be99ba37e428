#include "model/config.h"

#include <algorithm>
#include <cmath>

namespace vq {

static_assert(static_cast<int>(WeightFormat::plain) == VQ_WEIGHTS_PLAIN &&
              static_cast<int>(WeightFormat::int8) == VQ_WEIGHTS_INT8 &&
              static_cast<int>(WeightFormat::nf4) == VQ_WEIGHTS_NF4 &&
              static_cast<int>(WeightFormat::fp8) == VQ_WEIGHTS_FP8 &&
              static_cast<int>(WeightFormat::fp8_gemm) == VQ_WEIGHTS_FP8_GEMM);

ModelConfig::ModelConfig(const vq_model_config& c)
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
  require(c.weights >= VQ_WEIGHTS_PLAIN && c.weights <= VQ_WEIGHTS_FP8_GEMM, "unknown weight format");
  require(in_range(c.layers, 4096), "the number of layers is out of range");
  require(in_range(c.hidden, 1 << 20) && in_range(c.ffn, 1 << 22) && in_range(c.vocab, 1 << 24),
          "the hidden, feed-forward or vocabulary size is out of range");
  require(in_range(c.heads, 4096) && in_range(c.kv_heads, c.heads) && c.heads % c.kv_heads == 0,
          "the number of key/value heads must divide the number of heads");
  require(in_range(c.head_dim, 1024) && c.head_dim % 2 == 0, "the head size must be even and at most 1024");
  require(std::isfinite(c.norm_eps) && c.norm_eps >= 0, "the norm epsilon is out of range");
  require(std::isfinite(c.rope_theta) && c.rope_theta > 0, "the RoPE base (rope_theta) is out of range");
}

AttentionShape ModelConfig::attention() const {
  return {heads, kv_heads, head_dim, static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)))};
}

int64_t ModelConfig::widest_output() const { return std::max({q_size() + 2 * kv_size(), 2 * ffn, hidden}); }
int64_t ModelConfig::widest_input() const { return std::max({hidden, q_size(), ffn}); }

InputProjections projections(const ModelConfig& c, int layer, Input input) {
  const bool last = layer + 1 == c.layers;
  const int64_t q = c.q_size(), kv = c.kv_size();
  switch (input) {
    case attention_in:
      if (last) return {};
      return {c.hidden, {{{VQ_TARGET_Q, q, 0}, {VQ_TARGET_K, kv, q}, {VQ_TARGET_V, kv, q + kv}}}, 3};
    case query_in:
      if (!last) return {};
      return {c.hidden, {{{VQ_TARGET_Q, q, 0}}}, 1};
    case key_value_in:
      if (!last) return {};
      return {c.hidden, {{{VQ_TARGET_K, kv, 0}, {VQ_TARGET_V, kv, kv}}}, 2};
    case attention_out:
      return {q, {{{VQ_TARGET_O, c.hidden, 0}}}, 1};
    case mlp_in:
      return {c.hidden, {{{VQ_TARGET_GATE, c.ffn, 0}, {VQ_TARGET_UP, c.ffn, c.ffn}}}, 2};
    case mlp_out:
      return {c.ffn, {{{VQ_TARGET_DOWN, c.hidden, 0}}}, 1};
    case input_count:
      break;
  }
  return {};
}

}  // namespace vq
