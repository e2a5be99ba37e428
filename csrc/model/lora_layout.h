// Where the LoRA matrices of all layers are in one flat vector of floats.
//
// The A matrices of projections that share an input are stacked into one matrix [ranks, in], so that x A^T is one GEMM
// for all of them.
#pragma once

#include <vq.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/config.h"

namespace vq {

std::string target_name(unsigned target);  // of a VQ_TARGET_*, for messages: "q", "gate"

// A projection with a LoRA adapter.
struct LoraPart {
  unsigned target;      // VQ_TARGET_*
  int64_t out, column;  // of the projection
  int64_t rank_row;     // first row in the stack of A, first column in z = x A^T
  int64_t b_offset;     // B [out, r], from the beginning of the layer
};

// The adapted projections of one input.
struct LoraGroup {
  int64_t in = 0;
  int64_t ranks = 0;  // rows of the stack: r per part
  int64_t a_offset = 0;
  std::array<LoraPart, 3> parts;
  int count = 0;
};

class LoraLayout {
 public:
  LoraLayout(const ModelConfig& model, const vq_adapter_config& config);  // throws BadArgument

  const vq_adapter_config& config() const { return config_; }
  int64_t rank() const { return config_.rank; }
  int64_t floats() const { return floats_; }              // of all layers
  int64_t layer_floats() const { return layer_floats_; }  // of one layer
  int64_t max_ranks() const;                              // of any group
  // Whether the backward pass needs the gradient of this input: in layer 0 only if an input before it is adapted.
  bool needs_gradient(int layer, Input input) const;
  const LoraGroup& group(int layer, Input input) const { return (layer + 1 < layers_ ? inner_ : last_)[input]; }
  int64_t layer_offset(int layer) const { return layer * layer_floats_; }

  struct Pair {
    int64_t a_offset, a_floats, b_offset, b_floats;  // in the flat vector
  };
  Pair pair(int layer, unsigned target) const;  // throws BadArgument

  struct Stretch {
    int64_t begin, floats;
    bool is_b;
  };
  std::vector<Stretch> stretches() const;  // all of the vector, in order: of A and padding, and of B

 private:
  using Groups = std::array<LoraGroup, input_count>;
  int64_t lay_out(const ModelConfig& model, int layer, Groups& groups) const;

  vq_adapter_config config_;
  int layers_;
  Groups inner_, last_;
  int64_t layer_floats_ = 0;
  int64_t floats_ = 0;
};

}  // namespace vq
