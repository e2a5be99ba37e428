// Shared by the tests of ops: guarded matrices, kernels to test, comparison.
//
// To test an op on the CPU: add tests/cpu/test_<group>.cpp with a table of cases (shapes that are odd, 1, and larger
// than a block; strided views), the op in double precision, and a tolerance derived from the format and the length of
// the sums.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ops/cpu/device.h"
#include "ops/cpu/processor.h"

namespace vq::test {

constexpr double kUnit32 = 0x1p-24;   // relative error of rounding to f32
constexpr double kUnitBf16 = 0x1p-8;  // and to bf16

inline double unit_of(DType t) { return t == DType::bf16 ? kUnitBf16 : kUnit32; }

inline float bf16_to_float(uint16_t h) {
  const uint32_t u = static_cast<uint32_t>(h) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}
inline uint16_t float_to_bf16(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  if ((u & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(u >> 16 | 0x40);
  return static_cast<uint16_t>((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
inline double rounded(double x, DType t) {
  return t == DType::bf16 ? bf16_to_float(float_to_bf16(static_cast<float>(x))) : static_cast<float>(x);
}
// Half precision by its definition.
inline double f16_to_double(uint16_t h) {
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const double sign = h & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

// A matrix with `pad` elements between its rows, and guards around it and between the rows.
class Matrix {
 public:
  Matrix(int64_t rows, int64_t cols, DType type = DType::f32, int64_t pad = 0)
      : bytes_(static_cast<size_t>((rows * (cols + pad)) * static_cast<int64_t>(size_of(type))) + 2 * kGuard, kPattern),
        t_{bytes_.data() + kGuard, type, rows, cols, cols + pad} {
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++) set(r, c, 0);
  }

  Matrix(const Matrix& other) : bytes_(other.bytes_), t_(other.t_) { t_.data = bytes_.data() + kGuard; }
  Matrix(Matrix&&) = default;

  // Normal numbers, the same for the same seed.
  Matrix& fill(uint32_t seed, double scale = 1) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal(0, scale);
    for (int64_t r = 0; r < t_.rows; r++)
      for (int64_t c = 0; c < t_.cols; c++) set(r, c, normal(generator));
    return *this;
  }

  const Tensor& tensor() const { return t_; }
  operator const Tensor&() const { return t_; }  // NOLINT: reads as the tensor it is
  float* floats() const { return static_cast<float*>(t_.data); }
  int64_t rows() const { return t_.rows; }
  int64_t cols() const { return t_.cols; }

  double get(int64_t r, int64_t c) const {
    const char* p = address(r, c);
    if (t_.dtype == DType::f32) {
      float f;
      std::memcpy(&f, p, 4);
      return f;
    }
    uint16_t h;
    std::memcpy(&h, p, 2);
    return t_.dtype == DType::bf16 ? bf16_to_float(h) : f16_to_double(h);
  }
  void set(int64_t r, int64_t c, double x) {
    const float f = static_cast<float>(x);
    if (t_.dtype == DType::f32) {
      std::memcpy(address(r, c), &f, 4);
      return;
    }
    // f16: random bits of moderate size do as well as any number.
    uint16_t h = float_to_bf16(f);
    if (t_.dtype == DType::f16) h = static_cast<uint16_t>((h & 0x83ff) | (12 + (h >> 10 & 3)) << 10);
    std::memcpy(address(r, c), &h, 2);
  }

  // Everything but the elements is as it was.
  bool guards_hold() const {
    const size_t size = size_of(t_.dtype);
    for (size_t i = 0; i < bytes_.size(); i++) {
      const size_t at = i - kGuard, line = static_cast<size_t>(t_.stride) * size;
      const bool inside = i >= kGuard && i < bytes_.size() - kGuard && at % line < static_cast<size_t>(t_.cols) * size;
      if (!inside && bytes_[i] != kPattern) return false;
    }
    return true;
  }
  std::vector<char> raw() const { return bytes_; }
  void set_raw(const std::vector<char>& bytes) { std::copy(bytes.begin(), bytes.end(), bytes_.begin()); }

  static constexpr size_t kGuard = 256;  // bytes before and after

 private:
  static constexpr char kPattern = 0x5a;
  char* address(int64_t r, int64_t c) const {
    return static_cast<char*>(t_.data) + (r * t_.stride + c) * static_cast<int64_t>(size_of(t_.dtype));
  }
  std::vector<char> bytes_;
  Tensor t_;
};

// got[r][c] is within bound(r, c) of want(r, c), and nothing outside of it was written.
template <class Want, class Bound>
void expect_close(const Matrix& got, Want want, Bound bound, const std::string& what) {
  int wrong = 0;
  for (int64_t r = 0; r < got.rows() && wrong < 3; r++)
    for (int64_t c = 0; c < got.cols() && wrong < 3; c++) {
      const double x = got.get(r, c), y = want(r, c), b = bound(r, c);
      if (!(std::fabs(x - y) <= b)) {
        wrong++;
        ADD_FAILURE() << what << ": [" << r << ", " << c << "] is " << x << ", expected " << y << " within " << b;
      }
    }
  EXPECT_TRUE(got.guards_hold()) << what << ": memory outside the tensor was written";
}

// Kernels that tests run on: the ones for this processor, and the emulated ones (emulated.h).
std::vector<const cpu::IsaKernels*> testable_kernels();

// Each test of this kind runs for every set of kernels.
class OnEachKernel : public ::testing::TestWithParam<const cpu::IsaKernels*> {
 protected:
  static constexpr AttentionShape kShape = {7, 1, 64, 1};
  std::unique_ptr<cpu::CpuDevice> open(int threads = 2, int64_t rows = 300, int64_t n = 300, int64_t k = 300,
                                       const AttentionShape& shape = kShape) const {
    // Small as the tensors are, the threads share every job.
    auto device = std::make_unique<cpu::CpuDevice>(*GetParam(), threads, 1);
    device->reserve_workspace(rows, n, k, shape);
    device->reserve_cast_workspace(rows, std::max(n, k), WeightFormat::fp8_gemm);
    return device;
  }
};

inline std::string kernel_name(const ::testing::TestParamInfo<const cpu::IsaKernels*>& info) {
  std::string name = info.param->name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

#define VQ_ON_EACH_KERNEL(suite) \
  INSTANTIATE_TEST_SUITE_P(Cpu, suite, ::testing::ValuesIn(::vq::test::testable_kernels()), ::vq::test::kernel_name)

// Derivative of f along each of the given numbers, by central differences in double precision.
inline std::vector<double> finite_differences(std::vector<double>& x, const std::function<double()>& f,
                                              double h = 1e-5) {
  std::vector<double> d(x.size());
  for (size_t i = 0; i < x.size(); i++) {
    const double old = x[i];
    x[i] = old + h;
    const double up = f();
    x[i] = old - h;
    const double down = f();
    x[i] = old;
    d[i] = (up - down) / (2 * h);
  }
  return d;
}

inline std::vector<double> values_of(const Matrix& m) {
  std::vector<double> v;
  for (int64_t r = 0; r < m.rows(); r++)
    for (int64_t c = 0; c < m.cols(); c++) v.push_back(m.get(r, c));
  return v;
}

}  // namespace vq::test
