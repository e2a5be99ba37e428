// GEMMs in double precision, and error bounds for GEMMs.
//
// A sum of K products in f32, in any order, is within K u sum|a b| of the exact one (u = 2^-24; once more for alpha and
// the added term); storing to bf16 adds 2^-8 of the result. Operands of a bf16 GEMM are rounded first, in the
// reference as well.
#pragma once

#include "tests/support.h"

namespace vq::test {

// StridedMatrix of an operand in double precision: [m or n][k].
struct Operand {
  Operand(int64_t lines, int64_t k, DType compute, const std::function<double(int64_t, int64_t)>& at) : k(k) {
    for (int64_t r = 0; r < lines; r++)
      for (int64_t i = 0; i < k; i++) values.push_back(rounded(at(r, i), compute));
  }
  const double* line(int64_t r) const { return values.data() + r * k; }
  int64_t k;
  std::vector<double> values;
};

// a b in double precision, with the sums of the magnitudes of its terms.
struct Expected {
  Expected(const Operand& a, const Operand& b, int64_t rows, int64_t cols) : k(a.k), cols(cols) {
    for (int64_t r = 0; r < rows; r++)
      for (int64_t j = 0; j < cols; j++) {
        const double *x = a.line(r), *y = b.line(j);
        double sum = 0, size = 0;
        for (int64_t i = 0; i < k; i++) {
          sum += x[i] * y[i];
          size += std::fabs(x[i] * y[i]);
        }
        sums.push_back(sum);
        terms.push_back(size);
      }
  }
  // Checks c = alpha a b + before. more: further relative error of a term than that of the sum in f32.
  void check(const Matrix& c, double alpha, const Matrix* before, const std::string& what, double more = 0) const {
    const auto old = [&](int64_t r, int64_t j) { return before ? before->get(r, j) : 0; };
    const auto want = [&](int64_t r, int64_t j) { return alpha * sums[static_cast<size_t>(r * cols + j)] + old(r, j); };
    const auto bound = [&](int64_t r, int64_t j) {
      const double size = std::fabs(alpha) * terms[static_cast<size_t>(r * cols + j)] + std::fabs(old(r, j));
      return ((static_cast<double>(k) + 4) * kUnit32 + more) * size +
             1.01 * unit_of(c.tensor().dtype) * std::fabs(want(r, j));
    };
    expect_close(c, want, bound, what);
  }
  int64_t k, cols;
  std::vector<double> sums, terms;
};

// The operands of a weight's GEMMs, and the results.
struct Operands {
  const Matrix &x, &dy, &before;
  Matrix &y, &dx;
};

// Checks linear and linear_backward, each alone and accumulating, against their GEMMs.
inline void expect_both_ways(cpu::CpuDevice& device, const Weight& w, const Operands& o, const Expected& forward,
                             const Expected& backward, const std::string& what, double more) {
  device.linear(o.y, o.x, w, nullptr);
  forward.check(o.y, 1, nullptr, "linear " + what, more);
  device.linear(o.y, o.x, w, &o.before.tensor());
  forward.check(o.y, 1, &o.before, "linear + add " + what, more);
  device.linear_backward(o.dx, o.dy, w, false);
  backward.check(o.dx, 1, nullptr, "linear_backward " + what, more);
  const Matrix dx_before = o.dx;
  device.linear_backward(o.dx, o.dy, w, true);
  backward.check(o.dx, 1, &dx_before, "linear_backward accumulated " + what, more);
}

}  // namespace vq::test
