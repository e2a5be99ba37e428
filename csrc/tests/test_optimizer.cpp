// adamw against torch.optim.AdamW's formula in double precision over several steps; sums of squares.
#include "tests/support.h"

namespace vq::test {
namespace {

class Optimizer : public OnEachKernel {};

TEST_P(Optimizer, AdamWFollowsTheFormula) {
  const auto device = open(2);
  for (int64_t n : {1, 19, 40000}) {
    Matrix p(1, n), m(1, n), v(1, n), g(1, n);
    p.fill(1);
    std::vector<double> q = values_of(p), mean(static_cast<size_t>(n)), square(static_cast<size_t>(n));
    const double lr = 1e-2, b1 = 0.9, b2 = 0.999, eps = 1e-8, decay = 0.1, scale = 0.25;
    for (int step = 1; step <= 5; step++) {
      g.fill(static_cast<uint32_t>(10 + step));
      const std::vector<double> gradient = values_of(g);
      device->adamw(p.floats(), m.floats(), v.floats(), g.floats(), n,
                    {static_cast<float>(lr), static_cast<float>(b1), static_cast<float>(b2), static_cast<float>(eps),
                     static_cast<float>(decay), step, static_cast<float>(scale)});
      for (size_t i = 0; i < q.size(); i++) {
        const double x = gradient[i] * scale;
        q[i] *= 1 - lr * decay;
        mean[i] = b1 * mean[i] + (1 - b1) * x;
        square[i] = b2 * square[i] + (1 - b2) * x * x;
        q[i] -= lr * (mean[i] / (1 - std::pow(b1, step))) / (std::sqrt(square[i] / (1 - std::pow(b2, step))) + eps);
      }
      // Hyperparameters are f32: 1 - 0.999f is off by 1e-5, of which a square root halves; updates are lr each.
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

TEST_P(Optimizer, SumOfSquaresAddsUpInAnOrderOfItsOwn) {
  for (int64_t n : {1, 33, 65536, 200001}) {
    Matrix x(1, n);
    x.fill(1);
    double want = 0.5;
    for (double v : values_of(x)) want += v * v;
    double first = 0;
    for (int threads : {1, 2, 5}) {
      double sum = 0.5;
      open(threads)->add_sum_of_squares(&sum, x.floats(), n);
      EXPECT_NEAR(sum, want, 1e-9 * want);
      if (threads == 1) first = sum;
      EXPECT_EQ(sum, first) << "depends on the number of threads";
    }
  }
}

VQ_ON_EACH_KERNEL(Optimizer);

}  // namespace
}  // namespace vq::test
