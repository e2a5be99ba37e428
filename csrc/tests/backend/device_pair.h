// The device under test (tests/device.h) and the CPU: each op runs on both with the same operands, and the results are
// compared. The CPU's ops are the specification; tests/cpu compares them with double precision and finite differences.
//
//   vq_test_backend                                   another implementation on the CPU: kernels without vectors
//   VQ_TEST_BACKEND=path/libfoo.so vq_test_backend    any backend library
#pragma once

#include "api/handles.h"
#include "tests/device.h"
#include "tests/support.h"

namespace vq::test {

enum Side { reference, candidate };

// Both devices, opened once for all tests.
class DevicePair {
 public:
  static DevicePair& get() {
    static DevicePair the;
    return the;
  }
  Device& operator[](Side s) { return s == reference ? static_cast<Device&>(*cpu_) : *handle_->device; }

 private:
  DevicePair() {
    for (const cpu::IsaKernels* k : cpu::all_kernels())
      if (cpu::can_run(*k)) cpu_ = std::make_unique<cpu::CpuDevice>(*k, 1);
    vq_error err{};
    if (open_device(&handle_, &err) != VQ_OK) throw std::runtime_error(err.text);
    for (Side s : {reference, candidate}) {
      (*this)[s].reserve_workspace(700, 700, 700, {8, 1, 256, 1});
      (*this)[s].reserve_cast_workspace(700, 700, WeightFormat::fp8_gemm);
    }
  }
  ~DevicePair() { vq_device_close(handle_); }
  std::unique_ptr<cpu::CpuDevice> cpu_;
  vq_device* handle_ = nullptr;
};

// Memory on both devices with the same bytes.
class Both {
 public:
  explicit Both(const std::vector<char>& bytes)
      : host_(bytes), copy_(DevicePair::get()[candidate].alloc(bytes.size())) {
    DevicePair::get()[candidate].upload(copy_, host_.data(), host_.size());
  }
  ~Both() { DevicePair::get()[candidate].free(copy_); }
  Both(const Both&) = delete;
  Both& operator=(const Both&) = delete;
  void* at(Side s, size_t offset = 0) { return (s == reference ? host_.data() : static_cast<char*>(copy_)) + offset; }
  std::vector<char> bytes(Side s) const {
    if (s == reference) return host_;
    std::vector<char> bytes(host_.size());
    DevicePair::get()[candidate].download(bytes.data(), copy_, bytes.size());
    return bytes;
  }

 private:
  std::vector<char> host_;
  void* copy_;
};

template <class T>
std::vector<char> bytes_of(const std::vector<T>& v) {
  std::vector<char> bytes(v.size() * sizeof(T));
  if (!v.empty()) std::memcpy(bytes.data(), v.data(), bytes.size());
  return bytes;
}

// An array on both devices.
template <class T>
class PairArray {
 public:
  explicit PairArray(const std::vector<T>& values) : memory_(bytes_of(values)), count_(values.size()) {}
  T* operator[](Side s) { return static_cast<T*>(memory_.at(s)); }
  std::vector<T> values(Side s) const {
    const std::vector<char> bytes = memory_.bytes(s);
    std::vector<T> v(count_);
    std::memcpy(v.data(), bytes.data(), bytes.size());
    return v;
  }

 private:
  Both memory_;
  size_t count_;
};

// A guarded matrix on both devices.
class PairMatrix {
 public:
  PairMatrix(int64_t rows, int64_t cols, DType type, int64_t pad, uint32_t seed, double scale = 1)
      : PairMatrix(Matrix(rows, cols, type, pad).fill(seed, scale)) {}
  explicit PairMatrix(const Matrix& values) : shape_(values), memory_(values.raw()) {}
  Tensor operator[](Side s) {
    Tensor t = shape_.tensor();
    t.data = memory_.at(s, offset());
    return t;
  }
  Matrix result(Side s) const {
    Matrix m = shape_;
    m.set_raw(memory_.bytes(s));
    return m;
  }

 private:
  size_t offset() const { return Matrix::kGuard; }
  Matrix shape_;
  Both memory_;
};

template <class Body>
void on_both(Body body) {
  for (Side s : {reference, candidate}) body(DevicePair::get()[s], s);
}

// |got - want| over |want| in the 2-norm, and every element within `each` of the largest.
struct Tolerance {
  double norm, each;
};
// For results that differ in the order of summation and the last bit of functions: a few units in f32, one rounding in
// bf16.
inline Tolerance tolerance_of(DType t, double units = 16) {
  if (t == DType::bf16) return {0.5 * kUnitBf16, 1.01 * kUnitBf16};
  return {units * kUnit32, 4 * units * kUnit32};
}

inline void expect_agree(const std::vector<double>& want, const std::vector<double>& got, Tolerance within,
                         const std::string& what) {
  ASSERT_EQ(want.size(), got.size());
  double difference = 0, norm = 0, largest = 0, apart = 0;
  for (size_t i = 0; i < want.size(); i++) {
    ASSERT_EQ(std::isnan(want[i]), std::isnan(got[i])) << what << " at " << i;
    if (std::isnan(want[i])) continue;
    difference += (got[i] - want[i]) * (got[i] - want[i]);
    norm += want[i] * want[i];
    largest = std::max(largest, std::fabs(want[i]));
    apart = std::max(apart, std::fabs(got[i] - want[i]));
  }
  EXPECT_LE(std::sqrt(difference), within.norm * std::sqrt(norm)) << what;
  EXPECT_LE(apart, within.each * largest) << what;
}

inline void expect_agree(const PairMatrix& m, Tolerance within, const std::string& what) {
  const Matrix got = m.result(candidate);
  expect_agree(values_of(m.result(reference)), values_of(got), within, what);
  EXPECT_TRUE(got.guards_hold()) << what << ": memory outside the tensor was written";
}
inline void expect_agree(const PairMatrix& m, const std::string& what) {
  expect_agree(m, tolerance_of(m.result(reference).tensor().dtype), what);
}
template <class T>
void expect_agree(const PairArray<T>& a, Tolerance within, const std::string& what) {
  const std::vector<T> want = a.values(reference), got = a.values(candidate);
  expect_agree(std::vector<double>(want.begin(), want.end()), std::vector<double>(got.begin(), got.end()), within,
               what);
}
template <class T>
void expect_equal(const PairArray<T>& a, const std::string& what) {
  EXPECT_EQ(a.values(reference), a.values(candidate)) << what;
}
inline void expect_equal(const PairMatrix& m, const std::string& what) {
  EXPECT_EQ(m.result(reference).raw(), m.result(candidate).raw()) << what;
}

inline std::string name_of(DType t) { return t == DType::f32 ? " f32" : t == DType::bf16 ? " bf16" : " f16"; }

}  // namespace vq::test
