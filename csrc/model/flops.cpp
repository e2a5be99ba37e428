#include "model/flops.h"

#include <algorithm>

namespace vq {

namespace {

struct Counter {
  const ModelConfig& config;
  const LoraLayout& lora;
  double rows = 0, out_rows = 0;    // of the batch: T and R
  double pairs = 0, out_pairs = 0;  // (query row, key row that it sees)
  TrainingFlops sum = {};

  void add_projections(int layer, Input input, bool again) {
    const bool last = layer + 1 == config.layers;
    const double n = last && input != key_value_in ? out_rows : rows;
    const InputProjections all = projections(config, layer, input);
    const LoraGroup& group = lora.group(layer, input);
    const double dx = lora.needs_gradient(layer, input) ? 1 : 0;
    const bool up_to_z = again && input == mlp_out;  // the layer's output is not needed again
    for (int i = 0; i < all.count; i++) {
      const double forward = 2 * n * all.in * all.list[i].out;
      sum.base += forward * (1 + dx);
      if (again && !up_to_z) sum.recomputed += forward;
    }
    // Forward z and y; backward dB, dz and dA, and dx where it is needed.
    for (int i = 0; i < group.count; i++) {
      const double in = group.in, out = group.parts[i].out, per_size = 2 * n * lora.rank();
      sum.other += per_size * ((in + out) + (out + out + in) + dx * in);
      if (again) sum.recomputed += per_size * (up_to_z ? in : in + out);
    }
  }

  // Two GEMMs forward, five backward.
  void add_attention(int layer, bool again) {
    const double gemm = 2 * static_cast<double>(config.q_size()) * (layer + 1 == config.layers ? out_pairs : pairs);
    sum.other += gemm * (lora.needs_gradient(layer, attention_out) ? 2 + 5 : 2);
    if (again) sum.recomputed += 2 * gemm;
  }
};

}  // namespace

int recomputed_layers(int layers, int recompute_layers) {
  return std::max(0, std::min(recompute_layers, layers - 1) - 1);
}

TrainingFlops training_flops(const ModelConfig& config, const LoraLayout& lora, int recompute_layers,
                             std::span<const int64_t> tokens, std::span<const int64_t> targets) {
  Counter c{config, lora};
  for (size_t w = 0; w < tokens.size(); w++) {
    const double n = static_cast<double>(tokens[w]), t = static_cast<double>(targets[w]);
    c.rows += n;
    c.out_rows += t;
    c.pairs += n * (n + 1) / 2;
    c.out_pairs += t * n - t * (t - 1) / 2;
  }
  const int recomputed = recomputed_layers(config.layers, recompute_layers);
  for (int l = 0; l < config.layers; l++) {
    for (int input = 0; input < input_count; input++) c.add_projections(l, static_cast<Input>(input), l < recomputed);
    c.add_attention(l, l < recomputed);
  }
  c.sum.other += 4 * c.out_rows * static_cast<double>(config.vocab) * static_cast<double>(config.hidden);
  return c.sum;
}

}  // namespace vq
