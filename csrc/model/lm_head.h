// The LM head: the final norm and the output projection. It computes logits of a few rows at a time, because those of
// all target rows over a large vocabulary would be the largest buffer of all.
#pragma once

#include "model/arena.h"
#include "model/weights.h"

namespace vq {

struct LmHeadBuffers {
  Tensor normed;    // [R, C] act
  float* rstd;      // [R]
  Tensor logits;    // [chunk, V] f32
  Tensor d_normed;  // [chunk, C] f32; for training only
  Tensor cast;      // [chunk, V] act  the logits' gradient as a GEMM operand, if the device does not cast operands
};

// A chunk has at least min_rows rows.
LmHeadBuffers allocate_lm_head(Arena& arena, const ModelConfig& config, DType act, int64_t rows, int64_t min_rows,
                               bool for_training, bool cast);

class LmHead {
 public:
  LmHead(const ModelWeights& model, const LmHeadBuffers& buffers)
      : device_(model.device()), model_(model), b_(buffers) {}

  // x: [R, C] f32. Must come before the calls below.
  void norm(const Tensor& x) const;
  // Rows that one call of logits() takes at most.
  int64_t chunk() const { return b_.logits.rows; }
  // Logits of rows [begin, begin + count) of the normed x.
  Tensor logits(int64_t begin, int64_t count) const;
  // dx of the same rows of x, from the gradient of their logits.
  void backward(const Tensor& dx, const Tensor& x, const Tensor& d_logits, int64_t begin) const;

 private:
  Device& device_;
  const ModelWeights& model_;
  LmHeadBuffers b_;
};

}  // namespace vq
