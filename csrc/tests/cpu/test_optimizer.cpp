// adamw compared with torch.optim.AdamW's formula in double precision over several steps; sums of squares.
#include "tests/support.h"

namespace vq::test {
namespace {

class Optimizer : public OnEachKernel {};

TEST_P(Optimizer, AdamWMatchesDoublePrecision) {
  const auto device = open(2);
  for (int64_t n : {1, 19, 40000}) {
    Matrix p(1, n), m(1, n), v(1, n), g(1, n);
    p.fill(1);
    std::vector<double> q = values_of(p), mean(static_cast<size_t>(n)), square(static_cast<size_t>(n));
    const double lr = 1e-2, b1 = 0.9, b2 = 0.999, eps = 1e-8, decay = 0.1, scale = 0.25;
    const GradNormState state{0, 0, static_cast<float>(scale), 0};
    for (int step = 1; step <= 5; step++) {
      g.fill(static_cast<uint32_t>(10 + step));
      const std::vector<double> gradient = values_of(g);
      device->adamw(p.floats(), m.floats(), v.floats(), g.floats(), n,
                    {static_cast<float>(lr), static_cast<float>(b1), static_cast<float>(b2), static_cast<float>(eps),
                     static_cast<float>(decay), step},
                    &state);
      for (size_t i = 0; i < q.size(); i++) {
        const double x = gradient[i] * scale;
        q[i] *= 1 - lr * decay;
        mean[i] = b1 * mean[i] + (1 - b1) * x;
        square[i] = b2 * square[i] + (1 - b2) * x * x;
        q[i] -= lr * (mean[i] / (1 - std::pow(b1, step))) / (std::sqrt(square[i] / (1 - std::pow(b2, step))) + eps);
      }
      // Hyperparameters are f32: 1 - 0.999f is off by 1e-5, and a square root halves that; each update is about lr.
      expect_close(
          p, [&](int64_t, int64_t c) { return q[static_cast<size_t>(c)]; },
          [&](int64_t, int64_t c) { return 1e-6 * std::fabs(q[static_cast<size_t>(c)]) + 5 * lr * 2e-5; }, "p");
      expect_close(
          m, [&](int64_t, int64_t c) { return mean[static_cast<size_t>(c)]; }, [](int64_t, int64_t) { return 1e-6; },
          "m");
      expect_close(
          v, [&](int64_t, int64_t c) { return square[static_cast<size_t>(c)]; },
          [&](int64_t, int64_t c) { return 3e-5 * square[static_cast<size_t>(c)]; }, "v");
      EXPECT_TRUE(g.guards_hold());
    }
  }
}

TEST_P(Optimizer, SumOfSquaresDoesNotDependOnThreads) {
  for (int64_t n : {1, 33, 65536, 200001}) {
    Matrix x(1, n);
    x.fill(1);
    double want = 0.5;
    for (double v : values_of(x)) want += v * v;
    double first = 0;
    for (int threads : {1, 2, 5}) {
      double sum = 0.5;
      open(threads)->accumulate_sum_of_squares(&sum, x.floats(), n);
      EXPECT_NEAR(sum, want, 1e-9 * want);
      if (threads == 1) first = sum;
      EXPECT_EQ(sum, first) << "depends on the number of threads";
    }
  }
}

TEST_P(Optimizer, GradNormClipsAndRefusesNonFinite) {
  const auto device = open(1);
  const auto finished = [&](double loss, double squares, double normalizer, double most) {
    GradNormState s{loss, squares, -1, -1};
    device->finish_grad_norm(&s, normalizer, most);
    EXPECT_TRUE(s.squares == squares || std::isnan(squares));
    return s;
  };
  EXPECT_EQ(finished(3, 64, 4, 0).gradient_scale, 0.25f);
  EXPECT_EQ(finished(3, 64, 4, 10).gradient_scale, 0.25f);
  EXPECT_EQ(finished(3, 64, 4, 1).gradient_scale, static_cast<float>(0.25 * (1 / (2 + 1e-6))));
  EXPECT_EQ(finished(3, 64, 4, 1).not_finite, 0);
  for (double bad : {static_cast<double>(NAN), static_cast<double>(INFINITY), -static_cast<double>(INFINITY)}) {
    EXPECT_EQ(finished(bad, 64, 4, 1).not_finite, 1);
    EXPECT_EQ(finished(3, std::fabs(bad), 4, 1).not_finite, 1);
  }
  Matrix p(1, 19), m(1, 19), v(1, 19), g(1, 19);
  p.fill(1);
  g.fill(2);
  const std::vector<char> before = p.raw();
  const GradNormState refused = finished(NAN, 64, 4, 1);
  device->adamw(p.floats(), m.floats(), v.floats(), g.floats(), 19, {1e-2f, 0.9f, 0.999f, 1e-8f, 0.1f, 1}, &refused);
  EXPECT_EQ(p.raw(), before);
  double sum = 0.5;
  const float losses[] = {1, 2.5f, -4};
  device->accumulate_sum(&sum, losses, 3);
  EXPECT_EQ(sum, 0);
}

VQ_ON_EACH_KERNEL(Optimizer);

}  // namespace
}  // namespace vq::test
