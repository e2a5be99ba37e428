// The shape of a Qwen3 model and of a LoRA adapter on it, and what follows from them.
//
// Letters: T rows of a batch, R rows that matter after the last layer (targets), C hidden size, F feed-forward size,
//          V vocabulary, H query heads, G key/value heads, D head size, r adapter rank.
#pragma once

#include <vq.h>

#include <array>
#include <cstdint>

#include "ops/ops.h"

namespace vq {

// An argument that breaks the header's rules.
struct BadArgument : Error {
  using Error::Error;
};

struct Shape {
  int layers;
  int64_t hidden, ffn, vocab;
  int heads, kv_heads, head_dim;
  bool tied;
  float norm_eps;
  double rope_theta;
  WeightFormat format;  // of the projections' weights

  explicit Shape(const vq_model_config& config);  // throws BadArgument

  int64_t q_size() const { return static_cast<int64_t>(heads) * head_dim; }
  int64_t kv_size() const { return static_cast<int64_t>(kv_heads) * head_dim; }
  AttentionShape attention() const;
  int64_t widest_output() const;  // columns of the widest product but the vocabulary's
  int64_t widest_input() const;
};

// The inputs of a layer's projections. The last layer computes its queries for target rows only, so there the queries
// have an input of their own; elsewhere q, k and v share one.
enum Input { attention_in, query_in, key_value_in, attention_out, mlp_in, mlp_out, input_count };

// One projection that reads an input: a slice of the columns of the product over all projections that read it.
struct Projection {
  unsigned target = 0;  // VQ_TARGET_*
  int64_t out = 0;      // columns
  int64_t column = 0;   // the first of them
};

struct InputProjections {
  int64_t in = 0;  // columns of the input
  std::array<Projection, 3> list;
  int count = 0;  // 0: the layer has no such input
};

InputProjections projections(const Shape& shape, int layer, Input input);

// Where the adapter's matrices lie in one flat vector of floats, and in which stacks. The A matrices of projections
// that share an input are stacked into one [ranks, in], so that x A^T is one product for all of them.
struct AdapterPart {
  unsigned target;
  int64_t out, column;  // of the projection
  int64_t rank_row;     // first row in the stack of A, first column in z = x A^T
  int64_t b_offset;     // B [out, r], from the beginning of the layer
};
struct AdapterGroup {
  int64_t in = 0;
  int64_t ranks = 0;  // rows of the stack: r for each part
  int64_t a_offset = 0;
  std::array<AdapterPart, 3> parts;
  int count = 0;
};

class AdapterLayout {
 public:
  AdapterLayout(const Shape& shape, const vq_adapter_config& config);  // throws BadArgument

  const vq_adapter_config& config() const { return config_; }
  int64_t rank() const { return config_.rank; }
  int64_t floats() const { return floats_; }
  const AdapterGroup& group(int layer, Input input) const { return (layer + 1 < layers_ ? inner_ : last_)[input]; }
  int64_t layer_offset(int layer) const { return layer * layer_floats_; }

  struct Pair {
    int64_t a_offset, a_floats, b_offset, b_floats;  // in the flat vector
  };
  Pair pair(int layer, unsigned target) const;  // throws BadArgument

 private:
  using Groups = std::array<AdapterGroup, input_count>;
  int64_t lay_out(const Shape& shape, int layer, Groups& groups) const;

  vq_adapter_config config_;
  int layers_;
  Groups inner_, last_;
  int64_t layer_floats_ = 0;
  int64_t floats_ = 0;
};

}  // namespace vq
