// cross_entropy and score_rows: the loss compared with the formula, its gradient with finite differences. Exponentials
// are accurate to 4 u each and sums of V of them to V u (relative).
#include "tests/support.h"

namespace vq::test {
namespace {

class Loss : public OnEachKernel {};

double log_sum_exp(const std::vector<double>& x) {
  double top = -1e300, sum = 0;
  for (double v : x) top = std::max(top, v);
  for (double v : x) sum += std::exp(v - top);
  return top + std::log(sum);
}

std::vector<double> row_of(const Matrix& m, int64_t r) {
  std::vector<double> x;
  for (int64_t c = 0; c < m.cols(); c++) x.push_back(m.get(r, c));
  return x;
}

TEST_P(Loss, CrossEntropyMatchesDoublePrecision) {
  const auto device = open();
  for (int64_t v : {1, 7, 64, 1001})
    for (double scale : {1.0, 40.0}) {
      const int64_t rows = 5;
      Matrix logits(rows, v, DType::f32, 3), loss(rows, 1);
      logits.fill(1, scale);
      const Matrix before = logits;
      std::vector<int32_t> labels;
      const std::vector<float> weights = {1, 0.5f, 0, 2, 1};
      for (int64_t r = 0; r < rows; r++) labels.push_back(static_cast<int32_t>((r * 37) % v));
      const double bound = (static_cast<double>(v) + 32 + 4 * 4 * scale) * kUnit32 * 2;
      const auto expect_loss = [&] {
        for (int64_t r = 0; r < rows; r++) {
          const auto i = static_cast<size_t>(r);
          const std::vector<double> x = row_of(before, r);
          const double want = weights[i] * (log_sum_exp(x) - x[static_cast<size_t>(labels[i])]);
          EXPECT_NEAR(loss.get(r, 0), want, bound * (1 + 4 * scale)) << v << " " << scale;
        }
      };
      device->cross_entropy(loss.floats(), logits, labels.data(), weights.data(), false);
      expect_loss();
      EXPECT_EQ(before.raw(), logits.raw());
      device->cross_entropy(loss.floats(), logits, labels.data(), weights.data(), true);
      expect_loss();
      for (int64_t r = 0; r < rows; r++) {
        const auto i = static_cast<size_t>(r);
        const std::vector<double> x = row_of(before, r);
        const double lse = log_sum_exp(x), h = 1e-4;
        for (int64_t c = 0; c < v; c++) {
          // The loss when column c grows by `step`: one term of the sum and perhaps the label's logit change.
          const double term = std::exp(x[static_cast<size_t>(c)] - lse);
          const auto moved = [&](double step) {
            const double label = x[static_cast<size_t>(labels[i])] + (c == labels[i] ? step : 0);
            return weights[i] * (lse + std::log(1 - term + term * std::exp(step)) - label);
          };
          EXPECT_NEAR(logits.get(r, c), (moved(h) - moved(-h)) / (2 * h), bound * 4 + 1e-6) << v << " " << scale;
        }
      }
      EXPECT_TRUE(logits.guards_hold());
    }
}

TEST_P(Loss, ScoreRowsReturnsLogProbabilityAndFirstArgmax) {
  const auto device = open();
  for (int64_t v : {1, 9, 500}) {
    Matrix logits(4, v, DType::f32, 2), log_prob(4, 1);
    logits.fill(3, 2);
    if (v > 8) logits.set(1, 7, 50), logits.set(1, 8, 50);  // a tie
    std::vector<int32_t> labels = {0, static_cast<int32_t>(v - 1), 0, static_cast<int32_t>(v / 2)}, argmax(4, -1);
    device->score_rows(log_prob.floats(), argmax.data(), logits, labels.data());
    for (int64_t r = 0; r < 4; r++) {
      const std::vector<double> x = row_of(logits, r);
      EXPECT_NEAR(log_prob.get(r, 0), x[static_cast<size_t>(labels[static_cast<size_t>(r)])] - log_sum_exp(x), 1e-4);
      EXPECT_EQ(argmax[static_cast<size_t>(r)], std::max_element(x.begin(), x.end()) - x.begin());
    }
  }
}

VQ_ON_EACH_KERNEL(Loss);

}  // namespace
}  // namespace vq::test
