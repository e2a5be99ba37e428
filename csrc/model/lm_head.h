// What follows the last layer: the final norm and the output projection, for a few rows at a time, since the logits of
// all target rows over a large vocabulary would be the largest buffer of all.
#pragma once

#include "model/arena.h"
#include "model/weights.h"

namespace vq {

struct HeadBuffers {
  Tensor normed;    // [R, C] act
  float* rstd;      // [R]
  Tensor logits;    // [some rows, V] f32
  Tensor d_normed;  // [some rows, C] f32; for training only
  Tensor rounded;   // [some rows, V] act  the logits' gradient as an operand, where the device does not round it
};

// At least min_rows rows of logits at once.
HeadBuffers take_head(Memory& memory, const Shape& shape, DType act, int64_t rows, int64_t min_rows, bool for_training,
                      bool rounded);

class Head {
 public:
  Head(const Model& model, const HeadBuffers& buffers) : device_(model.device()), model_(model), b_(buffers) {}

  // x: [R, C] f32. Must come before the calls below.
  void norm(const Tensor& x) const;
  // How many rows logits() takes at most.
  int64_t chunk() const { return b_.logits.rows; }
  // Logits of rows [begin, begin + count) of the normed x.
  Tensor logits(int64_t begin, int64_t count) const;
  // dx of the same rows of x, from the gradient of their logits.
  void backward(const Tensor& dx, const Tensor& x, const Tensor& d_logits, int64_t begin) const;

 private:
  Device& device_;
  const Model& model_;
  HeadBuffers b_;
};

}  // namespace vq
