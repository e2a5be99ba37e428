// swiglu, dropout, add, copy, zero, gathered and scattered rows. Results are within a few roundings (16 u) of the
// formula and one of the stored type.
#include "tests/support.h"

namespace vq::test {
namespace {

constexpr int64_t kWidths[] = {1, 7, 16, 33, 257};

class Elementwise : public OnEachKernel {
 protected:
  static void expect_values(const Matrix& got, const std::function<double(int64_t, int64_t)>& want,
                            const std::string& what, double size = 4) {
    expect_close(
        got, want,
        [&](int64_t r, int64_t c) {
          return 16 * kUnit32 * size + 1.01 * unit_of(got.tensor().dtype) * std::fabs(want(r, c));
        },
        what);
  }
};

double silu(double g) { return g / (1 + std::exp(-g)); }

TEST_P(Elementwise, SwigluMatchesFiniteDifferences) {
  const auto device = open();
  for (int64_t f : kWidths)
    for (DType type : {DType::f32, DType::bf16}) {
      const std::string what = std::to_string(f) + (type == DType::f32 ? " f32" : " bf16");
      const int64_t rows = 3;
      Matrix in(rows, 2 * f, type, 2), y(rows, f, type, 1), dy(rows, f, type, 3), d(rows, 2 * f, type, 1);
      in.fill(1, 2);
      in.set(0, 0, -100);  // far out: no overflow, no NaN
      in.set(1, 0, 95);
      dy.fill(2);
      device->swiglu(y, in);
      expect_values(
          y, [&](int64_t r, int64_t c) { return silu(in.get(r, c)) * in.get(r, f + c); }, "swiglu " + what, 400);
      const auto gradient = [&](const Matrix& x, int64_t r, int64_t c) {
        std::vector<double> pair = {x.get(r, c % f), x.get(r, f + c % f)};
        return finite_differences(
            pair, [&] { return silu(pair[0]) * pair[1] * dy.get(r, c % f); })[static_cast<size_t>(c / f)];
      };
      device->swiglu_backward(d, dy, in);
      // Differences of numbers up to 400 with a step of 1e-5 are good to 1e-8.
      expect_values(
          d, [&](int64_t r, int64_t c) { return gradient(in, r, c); }, "swiglu_backward " + what, 400);
      const std::vector<double> apart = values_of(d);
      device->swiglu_backward(in, dy, in);
      EXPECT_EQ(apart, values_of(in)) << "in place";
    }
}

TEST_P(Elementwise, DropoutKeepsTheExpectedShareReproducibly) {
  const auto device = open(3);
  const int64_t rows = 250, cols = 401;
  const double n = static_cast<double>(rows * cols);
  for (float p : {0.0f, 0.05f, 0.5f, 0.9f}) {
    Matrix x(rows, cols, DType::f32, 3), y(rows, cols, DType::f32, 1);
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++) x.set(r, c, 1);
    device->dropout(y, x, {7, 3, p}, false);
    int64_t kept = 0, kept_pairs = 0;
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++) {
        const bool keep = y.get(r, c) != 0;
        kept += keep;
        kept_pairs += keep && c > 0 && y.get(r, c - 1) != 0;
        if (keep) {
          EXPECT_FLOAT_EQ(static_cast<float>(y.get(r, c)), 1 / (1 - p));
        }
      }
    EXPECT_TRUE(y.guards_hold());
    const double q = 1 - p, deviation = std::sqrt(n * p * q);
    EXPECT_NEAR(static_cast<double>(kept), n * q, 5 * deviation + 1e-9) << p;
    // Neighbors are independent: of (cols - 1) / cols n pairs, q^2.
    const double pairs = n * static_cast<double>(cols - 1) / static_cast<double>(cols);
    EXPECT_NEAR(static_cast<double>(kept_pairs), pairs * q * q, 6 * std::sqrt(pairs * q * q * (1 - q * q) + 1) * 1.5)
        << p;

    // The same mask for the gradient, whatever the type, the stride and the number of threads; added or not.
    Matrix half(rows, cols, DType::bf16, 5), sum(rows, cols);
    half.fill(1);
    sum.fill(2);
    const Matrix before = sum;
    device->dropout(sum, x, {7, 3, p}, true);
    open(1)->dropout(half, half, {7, 3, p}, false);
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++) {
        EXPECT_EQ(half.get(r, c) != 0, y.get(r, c) != 0);
        EXPECT_NEAR(sum.get(r, c), before.get(r, c) + y.get(r, c), 1e-5);
      }
  }
}

TEST_P(Elementwise, DropoutMasksDependOnSeedAndStreamAlone) {
  const auto device = open();
  const auto generic = std::make_unique<cpu::CpuDevice>(*cpu::generic_kernels(), 1);
  const auto mask = [](Device& d, DropoutKey key) {
    Matrix x(20, 100), y(20, 100);
    for (int64_t r = 0; r < 20; r++)
      for (int64_t c = 0; c < 100; c++) x.set(r, c, 1);
    d.dropout(y, x, key, false);
    return values_of(y);
  };
  const std::vector<double> one = mask(*device, {1, 2, 0.5f});
  EXPECT_EQ(one, mask(*generic, {1, 2, 0.5f}));
  for (DropoutKey other : {DropoutKey{1, 3, 0.5f}, DropoutKey{2, 2, 0.5f}, DropoutKey{2, 1, 0.5f}}) {
    const std::vector<double> two = mask(*device, other);
    int same = 0;
    for (size_t i = 0; i < one.size(); i++) same += one[i] == two[i];
    EXPECT_NEAR(same, 1000, 5 * std::sqrt(2000 * 0.25));  // independent masks agree on half of 2000
  }
}

TEST_P(Elementwise, AddCopyZeroGatherScatterAreExact) {
  const auto device = open();
  for (int64_t cols : kWidths)
    for (DType type : {DType::f32, DType::bf16})
      for (DType other : {DType::f32, DType::bf16}) {
        const std::string what = std::to_string(cols);
        Matrix a(6, cols, type, 1), b(6, cols, other, 2), y(6, cols, type, 3), some(3, cols, type, 1),
            grown(6, cols, other, 2);
        a.fill(1);
        b.fill(2);
        device->add(y, a, b);
        expect_values(
            y, [&](int64_t r, int64_t c) { return a.get(r, c) + b.get(r, c); }, "add " + what);
        const Matrix old = b;
        device->add(b, a, b);
        expect_values(
            b, [&](int64_t r, int64_t c) { return a.get(r, c) + old.get(r, c); }, "add in place " + what);
        device->copy(b, a);
        expect_close(
            b, [&](int64_t r, int64_t c) { return rounded(a.get(r, c), other); }, [](int64_t, int64_t) { return 0.0; },
            "copy " + what);
        const int32_t rows[] = {5, 0, 3};
        device->gather_rows(some, a, rows);
        expect_close(
            some, [&](int64_t r, int64_t c) { return a.get(rows[r], c); }, [](int64_t, int64_t) { return 0.0; },
            "gather_rows " + what);
        grown.fill(4);
        const Matrix base = grown;
        device->scatter_add_rows(grown, some, rows);
        expect_values(
            grown,
            [&](int64_t r, int64_t c) {
              double sum = base.get(r, c);
              for (int i = 0; i < 3; i++)
                if (rows[i] == r) sum += some.get(i, c);
              return sum;
            },
            "scatter_add_rows " + what);
        grown.fill(4);
        device->scatter_rows(grown, some, rows);
        expect_close(
            grown,
            [&](int64_t r, int64_t c) {
              for (int i = 0; i < 3; i++)
                if (rows[i] == r) return rounded(some.get(i, c), other);
              return base.get(r, c);
            },
            [](int64_t, int64_t) { return 0.0; }, "scatter_rows " + what);
        device->zero(y);
        expect_close(
            y, [](int64_t, int64_t) { return 0.0; }, [](int64_t, int64_t) { return 0.0; }, "zero " + what);
      }
}

TEST_P(Elementwise, RoundsToNearestEvenBf16) {
  const auto device = open();
  Matrix x(1, 9), y(1, 9, DType::bf16);
  const double in[] = {1.00390625, 1.01171875, -1.00390625, 3.4e38, INFINITY, -INFINITY, NAN, -0.0, 1.0039063692};
  for (int64_t i = 0; i < 9; i++) x.set(0, i, in[i]);
  device->copy(y, x);
  const double want[] = {1, 1.015625, -1, INFINITY, INFINITY, -INFINITY, NAN, 0, 1.0078125};
  for (int64_t i = 0; i < 9; i++) {
    if (std::isnan(want[i]))
      EXPECT_TRUE(std::isnan(y.get(0, i)));
    else
      EXPECT_EQ(y.get(0, i), want[i]) << i;
  }
  EXPECT_TRUE(std::signbit(y.get(0, 7)));
}

VQ_ON_EACH_KERNEL(Elementwise);

}  // namespace
}  // namespace vq::test
