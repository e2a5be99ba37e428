#include "model/lm_head.h"

#include <algorithm>

namespace vq {

HeadBuffers take_head(Memory& memory, const Shape& shape, DType act, int64_t rows, int64_t min_rows, bool for_training,
                      bool rounded) {
  constexpr int64_t kLogits = 8 << 20;  // 32 MiB; with fewer rows the output projection is read too often
  const int64_t chunk = std::max(min_rows, std::min(rows, std::max<int64_t>(kLogits / shape.vocab, 16)));
  const Purpose of = Purpose::workspace;
  HeadBuffers b;
  b.normed = memory.matrix(of, act, rows, shape.hidden);
  b.rstd = memory.array<float>(of, rows);
  b.logits = memory.matrix(of, DType::f32, chunk, shape.vocab);
  if (for_training) b.d_normed = memory.matrix(of, DType::f32, chunk, shape.hidden);
  if (for_training && rounded) b.rounded = memory.matrix(of, act, chunk, shape.vocab);
  memory.reserve_workspace(chunk, shape.vocab, shape.hidden, shape.attention());
  return b;
}

void Head::norm(const Tensor& x) const {
  device_.rms_norm(b_.normed.row_range(0, x.rows), b_.rstd, x, model_.final_norm(), model_.shape().norm_eps);
}

Tensor Head::logits(int64_t begin, int64_t count) const {
  const Tensor y = b_.logits.row_range(0, count);
  device_.linear(y, b_.normed.row_range(begin, count), model_.output(), nullptr);
  return y;
}

void Head::backward(const Tensor& dx, const Tensor& x, const Tensor& d_logits, int64_t begin) const {
  const int64_t count = d_logits.rows;
  const Tensor dn = b_.d_normed.row_range(0, count);
  Tensor dy = d_logits;
  if (b_.rounded.cols > 0) {
    dy = b_.rounded.row_range(0, count);
    device_.copy(dy, d_logits);
  }
  device_.linear_backward(dn, dy, model_.output(), false);
  device_.rms_norm_backward(dx.row_range(begin, count), dn, x.row_range(begin, count), b_.rstd + begin,
                            model_.final_norm(), false);
}

}  // namespace vq
