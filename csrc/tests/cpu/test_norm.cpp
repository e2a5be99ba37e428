// rms_norm and head_norm_rope: forward compared with the formula in double precision, backward with finite differences
// of it.
//
// Tolerances, with u = 2^-24. The sum of n squares is within n u of itself, so 1 / rms within (n / 2 + 3) u; an element
// of the forward pass is a sum of one term (two with the rotation) that each took four more roundings. In the backward
// pass dx = r (g - x p), g = dy w (turned back) and p = r^2 / n sum(g x): the sum adds n u of the sum of sizes, r
// another n u by its square; so every element is within (2 n + 16) u of the size of its terms, and storing adds its own
// rounding.
#include "tests/support.h"

namespace vq::test {
namespace {

constexpr int64_t kWidths[] = {1, 7, 16, 33, 130, 257};

// y[t] = x[t] / sqrt(mean x^2 + eps) * w
std::vector<double> norm(const std::vector<double>& x, const Matrix& w, int64_t cols, double eps) {
  std::vector<double> y(x.size());
  for (size_t row = 0; row < x.size(); row += static_cast<size_t>(cols)) {
    double sum = 0;
    for (int64_t c = 0; c < cols; c++) sum += x[row + static_cast<size_t>(c)] * x[row + static_cast<size_t>(c)];
    const double r = 1 / std::sqrt(sum / static_cast<double>(cols) + eps);
    for (int64_t c = 0; c < cols; c++)
      y[row + static_cast<size_t>(c)] = x[row + static_cast<size_t>(c)] * r * w.get(0, c);
  }
  return y;
}

// Half-split rotation of each head of d: pairs (i, i + d / 2); an odd last element stays.
std::vector<double> rope(std::vector<double> y, int64_t d, int64_t cols, const Matrix& cos_sin,
                         const std::vector<int32_t>& positions) {
  const int64_t half = d / 2;
  for (size_t t = 0; t < positions.size(); t++)
    for (int64_t head = 0; head < cols; head += d)
      for (int64_t i = 0; i < half; i++) {
        double &a = y[t * static_cast<size_t>(cols) + static_cast<size_t>(head + i)],
               &b = y[t * static_cast<size_t>(cols) + static_cast<size_t>(head + half + i)];
        const double c = cos_sin.get(positions[t], i), s = cos_sin.get(positions[t], half + i), old = a;
        a = a * c - b * s;
        b = b * c + old * s;
      }
  return y;
}

using Numbers = std::vector<double>;

// got is within `roundings` u of the size of each element's terms, and the rounding of its type.
void expect_within(const Matrix& got, const Numbers& want, const Numbers& terms, int64_t roundings,
                   const std::string& what) {
  const auto at = [&](const Numbers& v, int64_t r, int64_t c) { return v[static_cast<size_t>(r * got.cols() + c)]; };
  expect_close(
      got, [&](int64_t r, int64_t c) { return at(want, r, c); },
      [&](int64_t r, int64_t c) {
        return static_cast<double>(roundings) * kUnit32 * at(terms, r, c) +
               1.01 * unit_of(got.tensor().dtype) * std::fabs(at(want, r, c));
      },
      what);
}

Numbers sizes(Numbers v) {
  for (double& x : v) x = std::fabs(x);
  return v;
}

// Sizes of the terms of dx, from those of g: r (|g| + |x| r^2 / n sum |g x|).
Numbers backward_terms(const Numbers& x, const Numbers& g, int64_t cols, double eps) {
  Numbers terms(x.size());
  const auto n = static_cast<size_t>(cols);
  for (size_t row = 0; row < x.size(); row += n) {
    double squares = 0, sum = 0;
    for (size_t i = row; i < row + n; i++) {
      squares += x[i] * x[i];
      sum += std::fabs(g[i] * x[i]);
    }
    const double r = 1 / std::sqrt(squares / static_cast<double>(n) + eps);
    for (size_t i = row; i < row + n; i++)
      terms[i] = r * (std::fabs(g[i]) + std::fabs(x[i]) * r * r / static_cast<double>(n) * sum);
  }
  return terms;
}

// Sizes of the terms of rope(): |a cos| + |b sin|, |b cos| + |a sin|; of its transpose they are the same.
Numbers rope_terms(const Numbers& y, int64_t d, int64_t cols, Matrix cos_sin, const std::vector<int32_t>& positions) {
  for (int64_t p = 0; p < cos_sin.rows(); p++)
    for (int64_t i = 0; i < d; i++) cos_sin.set(p, i, (i < d / 2 ? 1 : -1) * std::fabs(cos_sin.get(p, i)));
  const Numbers left = rope(sizes(y), d, cols, cos_sin, positions);
  for (int64_t p = 0; p < cos_sin.rows(); p++)
    for (int64_t i = d / 2; i < d; i++) cos_sin.set(p, i, -cos_sin.get(p, i));
  const Numbers right = rope(sizes(y), d, cols, cos_sin, positions);
  Numbers terms(y.size());
  for (size_t i = 0; i < y.size(); i++) terms[i] = std::max(left[i], right[i]);
  return terms;
}

// Gradient of sum(f(x) * dy) by x.
std::vector<double> numeric_gradient(std::vector<double> x, const std::vector<double>& dy,
                                     const std::function<std::vector<double>(const std::vector<double>&)>& f) {
  return finite_differences(x, [&] {
    const std::vector<double> y = f(x);
    double sum = 0;
    for (size_t i = 0; i < y.size(); i++) sum += y[i] * dy[i];
    return sum;
  });
}

class Norm : public OnEachKernel {};

TEST_P(Norm, RmsNormMatchesFiniteDifferences) {
  const auto device = open();
  for (int64_t cols : kWidths)
    for (int64_t rows : {1, 5})
      for (DType type : {DType::f32, DType::bf16}) {
        const std::string what =
            std::to_string(rows) + "x" + std::to_string(cols) + (type == DType::f32 ? " f32" : " bf16");
        Matrix x(rows, cols, type, 3), w(1, cols), y(rows, cols, type, 1), rstd(rows, 1), dy(rows, cols, type, 2),
            dx(rows, cols, DType::f32, 4);
        x.fill(1);
        w.fill(2);
        dy.fill(3);
        dx.fill(4);
        const double eps = 1e-5;
        device->rms_norm(y, rstd.floats(), x, w.floats(), 1e-5f);
        const Numbers want = norm(values_of(x), w, cols, eps);
        expect_within(y, want, sizes(want), cols / 2 + 8, "rms_norm " + what);
        const auto f = [&](const std::vector<double>& v) { return norm(v, w, cols, eps); };
        const std::vector<double> gradient = numeric_gradient(values_of(x), values_of(dy), f);
        Numbers g = values_of(dy), sum = values_of(dx);
        for (size_t i = 0; i < g.size(); i++) g[i] *= w.get(0, static_cast<int64_t>(i) % cols);
        const Numbers terms = backward_terms(values_of(x), g, cols, eps);
        for (size_t i = 0; i < sum.size(); i++) sum[i] += gradient[i];
        device->rms_norm_backward(dx, dy, x, rstd.floats(), w.floats(), true);
        expect_within(dx, sum, terms, 2 * cols + 16, "rms_norm_backward accumulated " + what);
        device->rms_norm_backward(dy, dy, x, rstd.floats(), w.floats(), false);
        expect_within(dy, gradient, terms, 2 * cols + 16, "rms_norm_backward in place " + what);
      }
}

TEST_P(Norm, HeadNormRopeMatchesFiniteDifferences) {
  const auto device = open();
  for (int64_t d : {2, 6, 16, 34, 64, 130})
    for (int64_t heads : {1, 3})
      for (DType type : {DType::f32, DType::bf16}) {
        const int64_t rows = 4, cols = heads * d;
        const std::string what =
            std::to_string(heads) + " heads of " + std::to_string(d) + (type == DType::f32 ? " f32" : " bf16");
        Matrix x(rows, cols, type, 3), w(1, d), y(rows, cols, type, 1), rstd(rows, heads), dy(rows, cols, type, 2),
            turns(9, d);
        x.fill(1);
        w.fill(2);
        dy.fill(3);
        for (int64_t p = 0; p < 9; p++)
          for (int64_t i = 0; i < d / 2; i++) {
            const double angle =
                static_cast<double>(p) * std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(d));
            turns.set(p, i, std::cos(angle));
            turns.set(p, d / 2 + i, std::sin(angle));
          }
        const std::vector<int32_t> positions = {0, 5, 8, 1};
        const auto f = [&](const std::vector<double>& v) {
          return rope(norm(v, w, d, 1e-6), d, cols, turns, positions);
        };
        // The weights repeat for each head: norm() sees rows of d.
        device->head_norm_rope(y, rstd.floats(), x, w.floats(), static_cast<int>(d), 1e-6f, turns.floats(),
                               positions.data());
        const Numbers normed = norm(values_of(x), w, d, 1e-6);
        expect_within(y, f(values_of(x)), rope_terms(normed, d, cols, turns, positions), d / 2 + 12,
                      "head_norm_rope " + what);
        Numbers g = rope_terms(values_of(dy), d, cols, turns, positions);
        for (size_t i = 0; i < g.size(); i++) g[i] *= w.get(0, static_cast<int64_t>(i) % d);
        const Numbers terms = backward_terms(values_of(x), g, d, 1e-6);
        const std::vector<double> gradient = numeric_gradient(values_of(x), values_of(dy), f);
        device->head_norm_rope_backward(dy, dy, x, rstd.floats(), w.floats(), static_cast<int>(d), turns.floats(),
                                        positions.data());
        expect_within(dy, gradient, terms, 2 * d + 24, "head_norm_rope_backward in place " + what);
      }
}

VQ_ON_EACH_KERNEL(Norm);

}  // namespace
}  // namespace vq::test
