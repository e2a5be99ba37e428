// The CUDA device beside the CPU: the same operands on both, each op run on both, and the results compared. The CPU ops
// are the specification, and have tests of their own against double precision.
//
// In `make test` the CUDA kernels run under tests/cuda_sim; on a machine with a GPU scripts/gpu-check runs the same
// tests on it.
#pragma once

#include "ops/cuda/device.h"
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
  Device& operator[](Side s) { return s == reference ? static_cast<Device&>(*cpu_) : static_cast<Device&>(*cuda_); }

 private:
  DevicePair() {
    for (const cpu::IsaKernels* k : cpu::all_kernels())
      if (cpu::can_run(*k)) cpu_ = std::make_unique<cpu::CpuDevice>(*k, 1);
    cuda_ = std::make_unique<cuda::CudaDevice>(0);
    for (Side s : {reference, candidate}) {
      (*this)[s].reserve_workspace(700, 700, 700, {8, 1, 256, 1});
      (*this)[s].reserve_cast_workspace(700, 700, WeightFormat::fp8_gemm);
    }
  }
  std::unique_ptr<cpu::CpuDevice> cpu_;
  std::unique_ptr<cuda::CudaDevice> cuda_;
};

// Memory on both devices with the same bytes.
class Both {
 public:
  explicit Both(const std::vector<char>& bytes)
      : host_(bytes), cuda_(DevicePair::get()[candidate].alloc(bytes.size())) {
    DevicePair::get()[candidate].upload(cuda_, host_.data(), host_.size());
  }
  ~Both() { DevicePair::get()[candidate].free(cuda_); }
  Both(const Both&) = delete;
  Both& operator=(const Both&) = delete;
  void* at(Side s, size_t offset = 0) { return (s == reference ? host_.data() : static_cast<char*>(cuda_)) + offset; }
  const std::vector<char>& host() const { return host_; }
  std::vector<char> from_cuda() const {
    std::vector<char> bytes(host_.size());
    DevicePair::get()[candidate].download(bytes.data(), cuda_, bytes.size());
    return bytes;
  }

 private:
  std::vector<char> host_;
  void* cuda_;
};

template <class T>
std::vector<char> bytes_of(const std::vector<T>& v) {
  std::vector<char> bytes(v.size() * sizeof(T));
  if (!v.empty()) std::memcpy(bytes.data(), v.data(), bytes.size());
  return bytes;
}

// An array on both devices, where arrays lie on their own.
template <class T>
class PairArray {
 public:
  explicit PairArray(const std::vector<T>& values) : memory_(bytes_of(values)), count_(values.size()) {}
  T* operator[](Side s) { return static_cast<T*>(memory_.at(s)); }
  std::vector<T> values(Side s) const {
    const std::vector<char> bytes = s == reference ? memory_.host() : memory_.from_cuda();
    std::vector<T> v(count_);
    std::memcpy(v.data(), bytes.data(), bytes.size());
    return v;
  }

 private:
  Both memory_;
  size_t count_;
};

// A matrix with guards on both devices.
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
    m.set_raw(s == reference ? memory_.host() : memory_.from_cuda());
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

// |cuda - cpu| over |cpu| in the 2-norm, and every element near its twin: within `each` of the largest.
struct Tolerance {
  double norm, each;
};
// Of results that differ by the order of sums and the last bit of functions: in f32 a few units, in bf16 a rounding.
inline Tolerance tolerance_of(DType t, double units = 16) {
  if (t == DType::bf16) return {0.5 * kUnitBf16, 1.01 * kUnitBf16};
  return {units * kUnit32, 4 * units * kUnit32};
}

inline void expect_agree(const std::vector<double>& cpu, const std::vector<double>& cuda, Tolerance within,
                         const std::string& what) {
  ASSERT_EQ(cpu.size(), cuda.size());
  double difference = 0, norm = 0, largest = 0, apart = 0;
  for (size_t i = 0; i < cpu.size(); i++) {
    ASSERT_EQ(std::isnan(cpu[i]), std::isnan(cuda[i])) << what << " at " << i;
    if (std::isnan(cpu[i])) continue;
    difference += (cuda[i] - cpu[i]) * (cuda[i] - cpu[i]);
    norm += cpu[i] * cpu[i];
    largest = std::max(largest, std::fabs(cpu[i]));
    apart = std::max(apart, std::fabs(cuda[i] - cpu[i]));
  }
  EXPECT_LE(std::sqrt(difference), within.norm * std::sqrt(norm)) << what;
  EXPECT_LE(apart, within.each * largest) << what;
}

inline void expect_agree(const PairMatrix& m, Tolerance within, const std::string& what) {
  const Matrix cuda = m.result(candidate);
  expect_agree(values_of(m.result(reference)), values_of(cuda), within, what);
  EXPECT_TRUE(cuda.guards_hold()) << what << ": memory outside the tensor was written";
}
inline void expect_agree(const PairMatrix& m, const std::string& what) {
  expect_agree(m, tolerance_of(m.result(reference).tensor().dtype), what);
}
template <class T>
void expect_agree(const PairArray<T>& a, Tolerance within, const std::string& what) {
  const std::vector<T> cpu = a.values(reference), cuda = a.values(candidate);
  expect_agree(std::vector<double>(cpu.begin(), cpu.end()), std::vector<double>(cuda.begin(), cuda.end()), within,
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
