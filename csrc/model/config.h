// The configuration of a Qwen3 model, and the projections of its layers.
//
// Letters: T rows (tokens) of a batch, R output rows (those whose output is needed after the last layer), C hidden
// size,
//          F feed-forward size, V vocabulary, H query heads, G key/value heads, D head size, r LoRA rank.
#pragma once

#include <vq.h>

#include <array>
#include <cstdint>
#include <string>

#include "ops/device.h"

namespace vq {

// An argument that breaks the rules of vq.h.
struct BadArgument : Error {
  using Error::Error;
};

inline void require(bool ok, const std::string& complaint) {
  if (!ok) throw BadArgument(complaint);
}
inline bool in_range(int64_t x, int64_t limit) { return x >= 1 && x <= limit; }

struct ModelConfig {
  int layers;
  int64_t hidden, ffn, vocab;
  int heads, kv_heads, head_dim;
  bool tied;
  float norm_eps;
  double rope_theta;
  WeightFormat format;  // of the projections' weights

  explicit ModelConfig(const vq_model_config& config);  // throws BadArgument

  int64_t q_size() const { return static_cast<int64_t>(heads) * head_dim; }
  int64_t kv_size() const { return static_cast<int64_t>(kv_heads) * head_dim; }
  AttentionShape attention() const;
  int64_t widest_output() const;  // columns of the widest GEMM result, the logits excepted
  int64_t widest_input() const;
};

// The inputs of a layer's projections. The last layer computes its queries for the output rows only, so there the
// queries have an input of their own; in the other layers q, k and v share one.
enum Input { attention_in, query_in, key_value_in, attention_out, mlp_in, mlp_out, input_count };

// One projection of an input: a slice of the columns of one GEMM that computes all projections of that input.
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

InputProjections projections(const ModelConfig& config, int layer, Input input);

}  // namespace vq
