// Which way of fp8 GEMMs works on this GPU with this library: found by running them.
#include <cmath>
#include <cstring>
#include <vector>

#include "ops/cuda/gemm.h"
#include "ops/cuda/staging.h"
#include "ops/e4m3.h"

namespace vq::cuda {
namespace {

constexpr int64_t kRows = 144, kCols = 144, kDepth = 64;  // more than one tile of 128

struct Problem {
  std::vector<uint8_t> a = std::vector<uint8_t>(kRows * kDepth), b = std::vector<uint8_t>(kCols * kDepth);
  std::vector<float> a_scales = std::vector<float>(kRows), b_scales = std::vector<float>(kCols);

  Problem() {
    uint32_t state = 1;
    const auto next = [&] { return state = state * 1664525 + 1013904223; };
    // Codes of moderate size: the exponents 2 to 9 of 0 to 15.
    for (std::vector<uint8_t>* codes : {&a, &b})
      for (uint8_t& c : *codes) c = static_cast<uint8_t>((next() >> 24 & 0x87) | (2 + (next() >> 24 & 7)) << 3);
    for (std::vector<float>* scales : {&a_scales, &b_scales})
      for (float& s : *scales) s = 1 + static_cast<float>(next() >> 24) / 64;
  }
  double value(int64_t row, int64_t col, bool scaled) const {
    double sum = 0;
    for (int64_t i = 0; i < kDepth; i++)
      sum += double{e4m3_value(a[row * kDepth + i])} * e4m3_value(b[col * kDepth + i]);
    return scaled ? sum * a_scales[row] * b_scales[col] : sum;
  }
};

class Memory {
 public:
  explicit Memory(size_t bytes) : data_(device_alloc(bytes)) {}
  ~Memory() { device_free(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
};

float number(const std::vector<uint8_t>& bytes, DType type, int64_t at) {
  if (type == DType::f32) {
    float f;
    std::memcpy(&f, bytes.data() + at * 4, sizeof f);
    return f;
  }
  uint16_t half;
  std::memcpy(&half, bytes.data() + at * 2, sizeof half);
  const uint32_t bits = uint32_t{half} << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

}  // namespace

// The three results of fp8 GEMMs: bf16, f32, and f32 that is added to.
bool Gemm::fp8_works(Fp8Gemms how, Stream stream) const {
  const bool scaled = how == Fp8Gemms::scaled;
  const Problem problem;
  Staging staging(stream);
  const Memory a(problem.a.size()), b(problem.b.size()), d(kRows * kCols * sizeof(float)),
      a_scales(kRows * sizeof(float)), b_scales(kCols * sizeof(float));
  staging.upload(a.as<void>(), problem.a.data(), problem.a.size());
  staging.upload(b.as<void>(), problem.b.data(), problem.b.size());
  staging.upload(a_scales.as<void>(), problem.a_scales.data(), kRows * sizeof(float));
  staging.upload(b_scales.as<void>(), problem.b_scales.data(), kCols * sizeof(float));
  for (const auto& [type, adds] : {std::pair{DType::bf16, false}, {DType::f32, false}, {DType::f32, true}}) {
    if (!scaled && (type != DType::f32 || adds)) continue;  // unscaled sums are stored in f32 and added afterwards
    const size_t bytes = kRows * kCols * size_of(type);
    fill_zero(d.as<void>(), bytes, bytes, 1, stream);
    const Tensor result{d.as<void>(), type, kRows, kCols, kCols};
    const GemmCall call = {.d = result,
                           .a = {a.as<void>(), DType::f32, kRows, kDepth, kDepth},
                           .b = {b.as<void>(), DType::f32, kCols, kDepth, kDepth},
                           .c = adds ? &result : nullptr,
                           .transpose_b = true,
                           .codes = true,
                           .fast_sums = !adds,
                           .a_scales = scaled ? a_scales.as<float>() : nullptr,
                           .b_scales = scaled ? b_scales.as<float>() : nullptr};
    const std::unique_ptr<PreparedGemm> prepared = library_->prepare(call);
    const std::vector<Algorithm> all = prepared->algorithms(1);
    if (all.empty()) return false;
    const int runs = adds ? 2 : 1;
    for (int i = 0; i < runs; i++) prepared->run(call, all.front(), stream);
    std::vector<uint8_t> got(bytes);
    staging.download(got.data(), d.as<void>(), bytes);
    constexpr double kWithin = 1e-2;
    double squares = 0, errors = 0;
    for (int64_t at = 0; at < kRows * kCols; at += 5) {  // covers all rows and columns
      const double want = runs * problem.value(at / kCols, at % kCols, scaled), e = number(got, type, at) - want;
      if (!std::isfinite(e)) return false;
      squares += want * want;
      errors += e * e;
    }
    if (errors > kWithin * kWithin * squares) return false;
  }
  return true;
}

void Gemm::find_fp8_gemms(Stream stream) {
  const Fp8Gemms best = library_->fp8_gemms();
  for (const Fp8Gemms how : {Fp8Gemms::scaled, Fp8Gemms::unscaled}) {
    if (how > best) continue;
    try {
      if (!fp8_works(how, stream)) continue;
      fp8_gemms_ = how;
      return;
    } catch (const NoMemory&) {
      throw;
    } catch (const Error&) {  // the library does not know the scales, or fails to run its kernel
      synchronize(stream);    // throws if the GPU itself failed
    }
  }
  fp8_gemms_ = Fp8Gemms::none;
}

}  // namespace vq::cuda
