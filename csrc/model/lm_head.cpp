#include "model/lm_head.h"

#include <algorithm>

namespace vq {

LmHeadBuffers allocate_lm_head(Arena& arena, const ModelConfig& config, DType act, int64_t rows, int64_t min_rows,
                               bool for_training, bool cast) {
  // The output projection is the model's largest weight and is read for each chunk: so many rows that multiplying takes
  // longer than reading, and more if the vocabulary is so small that their logits take less than 32 MiB.
  constexpr int64_t kRows = 512, kElements = 8 << 20;
  const int64_t chunk = std::max(min_rows, std::min(rows, std::max<int64_t>(kElements / config.vocab, kRows)));
  const Purpose work = Purpose::workspace;
  LmHeadBuffers b;
  b.normed = arena.matrix(work, act, rows, config.hidden);
  b.rstd = arena.array<float>(work, rows);
  b.logits = arena.matrix(work, DType::f32, chunk, config.vocab);
  if (for_training) b.d_normed = arena.matrix(work, DType::f32, chunk, config.hidden);
  if (for_training && cast) b.cast = arena.matrix(work, act, chunk, config.vocab);
  arena.reserve_workspace(chunk, config.vocab, config.hidden, config.attention());
  return b;
}

void LmHead::norm(const Tensor& x) const {
  device_.rms_norm(b_.normed.row_range(0, x.rows), b_.rstd, x, model_.final_norm(), model_.config().norm_eps);
}

Tensor LmHead::logits(int64_t begin, int64_t count) const {
  const Tensor y = b_.logits.row_range(0, count);
  device_.linear(y, b_.normed.row_range(begin, count), model_.output(), nullptr);
  return y;
}

void LmHead::backward(const Tensor& dx, const Tensor& x, const Tensor& d_logits, int64_t begin) const {
  const int64_t count = d_logits.rows;
  const Tensor dn = b_.d_normed.row_range(0, count);
  Tensor dy = d_logits;
  if (b_.cast.cols > 0) {
    dy = b_.cast.row_range(0, count);
    device_.copy(dy, d_logits);
  }
  device_.linear_backward(dn, dy, model_.output(), false);
  device_.rms_norm_backward(dx.row_range(begin, count), dn, x.row_range(begin, count), b_.rstd + begin,
                            model_.final_norm(), false);
}

}  // namespace vq
