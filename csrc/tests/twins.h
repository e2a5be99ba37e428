// The CUDA device beside the CPU: the same operands on both, each op run on both, and the results compared. The CPU ops
// are the specification, and have tests of their own against double precision.
//
// In `make test` the CUDA kernels run under tests/cuda_on_cpu; on a machine with a GPU scripts/gpu-check runs the same
// tests on it.
#pragma once

#include "ops/cuda/device.h"
#include "tests/support.h"

namespace vq::test {

enum Side { cpu_side, cuda_side };

// Both devices, opened once for all tests.
class Twins {
 public:
  static Twins& get() {
    static Twins the;
    return the;
  }
  Device& operator[](Side s) { return s == cpu_side ? static_cast<Device&>(*cpu_) : static_cast<Device&>(*cuda_); }

 private:
  Twins() {
    for (const cpu::IsaKernels* k : cpu::all_kernels())
      if (cpu::can_run(*k)) cpu_ = std::make_unique<cpu::CpuDevice>(*k, 1);
    cuda_ = std::make_unique<cuda::CudaDevice>(0);
    for (Side s : {cpu_side, cuda_side}) {
      (*this)[s].reserve_workspace(700, 700, 700, {8, 1, 256, 1});
      (*this)[s].reserve_rounding(700, 700, WeightFormat::fp8_products);
    }
  }
  std::unique_ptr<cpu::CpuDevice> cpu_;
  std::unique_ptr<cuda::CudaDevice> cuda_;
};

// Memory on both devices with the same bytes.
class Both {
 public:
  explicit Both(const std::vector<char>& bytes) : host_(bytes), cuda_(Twins::get()[cuda_side].alloc(bytes.size())) {
    Twins::get()[cuda_side].upload(cuda_, host_.data(), host_.size());
  }
  ~Both() { Twins::get()[cuda_side].free(cuda_); }
  Both(const Both&) = delete;
  Both& operator=(const Both&) = delete;
  void* at(Side s, size_t offset = 0) { return (s == cpu_side ? host_.data() : static_cast<char*>(cuda_)) + offset; }
  const std::vector<char>& host() const { return host_; }
  std::vector<char> from_cuda() const {
    std::vector<char> bytes(host_.size());
    Twins::get()[cuda_side].download(bytes.data(), cuda_, bytes.size());
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
class TwinArray {
 public:
  explicit TwinArray(const std::vector<T>& values) : memory_(bytes_of(values)), count_(values.size()) {}
  T* operator[](Side s) { return static_cast<T*>(memory_.at(s)); }
  std::vector<T> values(Side s) const {
    const std::vector<char> bytes = s == cpu_side ? memory_.host() : memory_.from_cuda();
    std::vector<T> v(count_);
    std::memcpy(v.data(), bytes.data(), bytes.size());
    return v;
  }

 private:
  Both memory_;
  size_t count_;
};

// A matrix with guards on both devices.
class TwinMatrix {
 public:
  TwinMatrix(int64_t rows, int64_t cols, DType type, int64_t pad, uint32_t seed, double scale = 1)
      : TwinMatrix(Matrix(rows, cols, type, pad).fill(seed, scale)) {}
  explicit TwinMatrix(const Matrix& values) : shape_(values), memory_(values.raw()) {}
  Tensor operator[](Side s) {
    Tensor t = shape_.tensor();
    t.data = memory_.at(s, offset());
    return t;
  }
  Matrix result(Side s) const {
    Matrix m = shape_;
    m.set_raw(s == cpu_side ? memory_.host() : memory_.from_cuda());
    return m;
  }

 private:
  size_t offset() const { return Matrix::kGuard; }
  Matrix shape_;
  Both memory_;
};

template <class Body>
void on_both(Body body) {
  for (Side s : {cpu_side, cuda_side}) body(Twins::get()[s], s);
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

inline void expect_twins(const std::vector<double>& cpu, const std::vector<double>& cuda, Tolerance within,
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

inline void expect_twins(const TwinMatrix& m, Tolerance within, const std::string& what) {
  const Matrix cuda = m.result(cuda_side);
  expect_twins(values_of(m.result(cpu_side)), values_of(cuda), within, what);
  EXPECT_TRUE(cuda.guards_hold()) << what << ": memory outside the tensor was written";
}
inline void expect_twins(const TwinMatrix& m, const std::string& what) {
  expect_twins(m, tolerance_of(m.result(cpu_side).tensor().dtype), what);
}
template <class T>
void expect_twins(const TwinArray<T>& a, Tolerance within, const std::string& what) {
  const std::vector<T> cpu = a.values(cpu_side), cuda = a.values(cuda_side);
  expect_twins(std::vector<double>(cpu.begin(), cpu.end()), std::vector<double>(cuda.begin(), cuda.end()), within,
               what);
}
template <class T>
void expect_equal(const TwinArray<T>& a, const std::string& what) {
  EXPECT_EQ(a.values(cpu_side), a.values(cuda_side)) << what;
}
inline void expect_equal(const TwinMatrix& m, const std::string& what) {
  EXPECT_EQ(m.result(cpu_side).raw(), m.result(cuda_side).raw()) << what;
}

inline std::string name_of(DType t) { return t == DType::f32 ? " f32" : t == DType::bf16 ? " bf16" : " f16"; }

}  // namespace vq::test
