#include "model/lora_layout.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace vq {

namespace {

// Matrices begin at multiples of 64 bytes. The floats between them stay zero.
int64_t padded(int64_t floats) { return (floats + 15) / 16 * 16; }

}  // namespace

std::string target_name(unsigned target) {
  switch (target) {
    case VQ_TARGET_Q:
      return "q";
    case VQ_TARGET_K:
      return "k";
    case VQ_TARGET_V:
      return "v";
    case VQ_TARGET_O:
      return "o";
    case VQ_TARGET_GATE:
      return "gate";
    case VQ_TARGET_UP:
      return "up";
    case VQ_TARGET_DOWN:
      return "down";
  }
  return "target " + std::to_string(target);
}

LoraLayout::LoraLayout(const ModelConfig& model, const vq_adapter_config& config)
    : config_(config), layers_(model.layers) {
  require(in_range(config.rank, 1 << 16), "the LoRA rank is out of range");
  require(config.targets != 0 && config.targets < 2 * VQ_TARGET_DOWN, "the LoRA targets are out of range");
  require(std::isfinite(config.scale), "the LoRA scale is not finite");
  require(config.dropout >= 0 && config.dropout < 1, "the LoRA dropout must be at least 0 and below 1");
  const int64_t inner = lay_out(model, 0, inner_), last = lay_out(model, model.layers - 1, last_);
  layer_floats_ = std::max(inner, last);
  floats_ = layers_ * layer_floats_;
}

int64_t LoraLayout::lay_out(const ModelConfig& model, int layer, Groups& groups) const {
  int64_t next = 0;
  for (int input = 0; input < input_count; input++) {
    const InputProjections all = projections(model, layer, static_cast<Input>(input));
    LoraGroup& group = groups[input];
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

int64_t LoraLayout::max_ranks() const {
  int64_t ranks = 0;
  for (const Groups* groups : {&inner_, &last_}) {
    for (const LoraGroup& group : *groups) ranks = std::max(ranks, group.ranks);
  }
  return ranks;
}

bool LoraLayout::needs_gradient(int layer, Input input) const {
  if (layer > 0) return true;
  if (input <= key_value_in) return false;  // they share the layer's own input
  for (int before = 0; before < input; before++) {
    if (group(0, static_cast<Input>(before)).count > 0) return true;
  }
  return false;
}

LoraLayout::Pair LoraLayout::pair(int layer, unsigned target) const {
  require(layer >= 0 && layer < layers_, "the adapter has no layer " + std::to_string(layer));
  for (const LoraGroup& g : layer + 1 < layers_ ? inner_ : last_) {
    for (int i = 0; i < g.count; i++) {
      const LoraPart& p = g.parts[i];
      if (p.target != target) continue;
      return {layer_offset(layer) + g.a_offset + p.rank_row * g.in, rank() * g.in, layer_offset(layer) + p.b_offset,
              p.out * rank()};
    }
  }
  throw BadArgument("the adapter has no " + target_name(target) + " in layer " + std::to_string(layer));
}

std::vector<LoraLayout::Stretch> LoraLayout::stretches() const {
  std::vector<Stretch> all;
  int64_t at = 0;
  const auto add = [&](int64_t until, bool is_b) {
    if (until > at) all.push_back({at, until - at, is_b});
    at = until;
  };
  for (int layer = 0; layer < layers_; layer++) {
    for (const LoraGroup& g : layer + 1 < layers_ ? inner_ : last_) {
      for (int i = 0; i < g.count; i++) {
        const int64_t begin = layer_offset(layer) + g.parts[i].b_offset;
        add(begin, false);
        add(begin + g.parts[i].out * rank(), true);
      }
    }
  }
  add(floats_, false);
  return all;
}

}  // namespace vq
