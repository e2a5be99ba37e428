#include "model/flops.h"

namespace vq {

namespace {

struct Counter {
  const Shape& shape;
  const AdapterLayout& adapter;
  double rows = 0, final_rows = 0;    // of the batch
  double pairs = 0, final_pairs = 0;  // of a query row and a key row that it sees
  double sum = 0;

  bool adapted(int layer, int input) const { return adapter.group(layer, static_cast<Input>(input)).count > 0; }

  // Whether the backward pass goes on below the projections of this input.
  bool gradient_wanted(int layer, int input) const {
    if (layer > 0) return true;
    for (int below = 0; input > key_value_in && below < input; below++) {
      if (adapted(0, below)) return true;
    }
    return false;
  }

  void add_projections(int layer, int input) {
    const bool last = layer + 1 == shape.layers;
    const double n = last && input != key_value_in ? final_rows : rows;
    const InputProjections all = projections(shape, layer, static_cast<Input>(input));
    const AdapterGroup& group = adapter.group(layer, static_cast<Input>(input));
    const double backward = gradient_wanted(layer, input) ? 1 : 0;
    for (int i = 0; i < all.count; i++) sum += 2 * n * all.in * all.list[i].out * (1 + backward);
    // Forward z and y; backward dB, dz and dA, and below that dx.
    for (int i = 0; i < group.count; i++) {
      const double in = group.in, out = group.parts[i].out;
      sum += 2 * n * adapter.rank() * ((in + out) + (out + out + in) + backward * in);
    }
  }

  void add_attention(int layer) {
    const double product = 2 * static_cast<double>(shape.q_size()) * (layer + 1 == shape.layers ? final_pairs : pairs);
    sum += product * (gradient_wanted(layer, attention_out) ? 2 + 5 : 2);
  }
};

}  // namespace

double training_flops(const Shape& shape, const AdapterLayout& adapter, std::span<const int64_t> tokens,
                      std::span<const int64_t> targets) {
  Counter c{shape, adapter};
  for (size_t w = 0; w < tokens.size(); w++) {
    const double n = static_cast<double>(tokens[w]), t = static_cast<double>(targets[w]);
    c.rows += n;
    c.final_rows += t;
    c.pairs += n * (n + 1) / 2;
    c.final_pairs += t * n - t * (t - 1) / 2;
  }
  for (int l = 0; l < shape.layers; l++) {
    for (int input = 0; input < input_count; input++) c.add_projections(l, input);
    c.add_attention(l);
  }
  return c.sum + 4 * c.final_rows * static_cast<double>(shape.vocab) * static_cast<double>(shape.hidden);
}

}  // namespace vq
