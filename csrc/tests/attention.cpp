#include "tests/attention.h"

namespace vq::test {

std::vector<AttentionCase> training_cases() {
  return {
      windows("one query", shape_of(2, 1, 64), {1}),
      windows("odd head size", shape_of(3, 3, 5), {11, 1}),
      windows("odd head size above a tile", shape_of(2, 1, 71), {20, 3}),
      windows("seven heads to one", shape_of(7, 1, 64), {3, 29, 1, 20}),
      windows("windows end at tile edges", shape_of(2, 1, 64), {64, 128, 32}),
      windows("one more than a tile", shape_of(4, 1, 128), {17, 33}),
      windows("head size 96", shape_of(4, 2, 96), {50, 33}),
      windows("head size 128, one to one", shape_of(1, 1, 128), {130}),
      windows("head size by padding", shape_of(4, 2, 80), {37}),
      window_rows("a single row of a window", shape_of(4, 2, 64), {{150, {149}}}),
      window_rows("rows of windows", shape_of(7, 1, 128), {{70, {3, 4, 20, 66}}, {1, {0}}, {90, {89}}}),
      window_rows("rows of windows out of order", shape_of(2, 1, 64), {{100, {70, 3, 99, 50}}}),
  };
}

std::vector<AttentionCase> inference_cases() {
  std::vector<AttentionCase> all;
  all.push_back({"decoding with a shared prefix",
                 shape_of(8, 2, 128),
                 {{0, 1, 0, 2}, {1, 1, 2, 2}, {2, 1, 4, 1}},
                 {{0, 301}, {310, 7}, {0, 301}, {320, 1}, {330, 20}},
                 {7, 1, 13},
                 3,
                 360});
  all.push_back({"many small ranges",
                 shape_of(2, 1, 64),
                 {{0, 2, 0, 6}, {2, 1, 6, 1}},
                 {{0, 32}, {64, 32}, {128, 1}, {160, 64}, {300, 65}, {370, 20}, {7, 1}},
                 {19, 20, 1},
                 3,
                 400});
  all.push_back({"second part of a prompt", shape_of(4, 2, 24), {{0, 37, 0, 2}}, {{3, 200}, {210, 90}}, {}, 37, 300});
  for (int32_t i = 0; i < 37; i++) all.back().visible.push_back(53 + i + 1);
  return all;
}

AttentionCase random_case(uint32_t seed) {
  std::mt19937 generator(seed);
  const auto pick = [&](std::vector<int> of) { return of[generator() % of.size()]; };
  const int group = pick({1, 2, 3, 4, 7, 8}), kv_heads = pick({1, 2});
  const AttentionShape shape = shape_of(group * kv_heads, kv_heads, pick({1, 8, 33, 64, 65, 96, 100, 128}));
  std::vector<int32_t> lengths;
  const int count = pick({1, 2, 3});
  for (int i = 0; i < count; i++) lengths.push_back(pick({1, 2, 15, 16, 17, 31, 32, 33, 65}));
  return windows("random " + std::to_string(seed), shape, lengths);
}

namespace {

void copy_values(Matrix& to, const Matrix& from) {
  for (int64_t r = 0; r < from.rows(); r++)
    for (int64_t c = 0; c < from.cols(); c++) to.set(r, c, from.get(r, c));
}

}  // namespace

AttentionRun f32_reference(const AttentionRun& run, const AttentionCase& c, bool backward) {
  AttentionRun t(c, DType::f32, 0);
  copy_values(t.q, run.q);
  copy_values(t.kv, run.kv);
  copy_values(t.dout, run.dout);
  cpu::CpuDevice device(*testable_kernels().front(), 1, 1);
  device.reserve_workspace(std::max(c.q_rows, c.k_rows), 1, 1, c.shape);
  device.attention(t.o, t.lse.floats(), t.q, t.keys(t.kv), t.values(t.kv), c.shape, c.plan());
  if (backward) {
    device.attention_backward(t.dq, t.keys(t.dkv), t.values(t.dkv), t.dout, t.q, t.keys(t.kv), t.values(t.kv), t.o,
                              t.lse.floats(), c.shape, c.plan());
  }
  return t;
}

void expect_near(const Matrix& got, const Matrix& want, Bound bound, const std::string& what) {
  double largest = 0.1, squares = 1e-30, errors = 0;
  for (int64_t r = 0; r < want.rows(); r++)
    for (int64_t c = 0; c < want.cols(); c++) {
      const double w = want.get(r, c), e = got.get(r, c) - w;
      if (!std::isfinite(w)) continue;
      largest = std::max(largest, std::fabs(w));
      squares += w * w;
      errors += e * e;
    }
  const double size = static_cast<double>(want.rows() * want.cols());
  // If everything cancels, the errors are of the size of the terms, about 1.
  EXPECT_LE(errors / std::max(squares, 1e-3 * size), bound.normalized) << what;
  expect_close(
      got, [&](int64_t r, int64_t c) { return want.get(r, c); },
      [&](int64_t, int64_t) { return bound.of_largest * largest; }, what);
}

}  // namespace vq::test
