// ops/cuda/gemm.h and timer.h on the CPU, for tests: naive GEMMs by several algorithms that differ in the order of
// summation, and a clock that advances by the configured cost of each.
#include "tests/cuda_sim/gemm.h"

#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "ops/cuda/runtime.h"
#include "ops/cuda/timer.h"
#include "tests/cuda_sim/block.h"
#include "tests/cuda_sim/memory.h"
#include "tests/cuda_sim/stream.h"

cuda_sim::GemmSettings& cuda_sim::gemm_settings() {
  static GemmSettings the;
  return the;
}

namespace vq::cuda {
namespace {

double now = 0;  // milliseconds

float number(const Tensor& t, int64_t row, int64_t col) {
  const int64_t at = row * t.stride + col;
  if (t.dtype == DType::f32) return static_cast<const float*>(t.data)[at];
  const uint32_t bits = uint32_t{static_cast<const uint16_t*>(t.data)[at]} << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

// Of e4m3, by its definition.
float code_value(const Tensor& t, int64_t row, int64_t col) {
  const int code = static_cast<const uint8_t*>(t.data)[row * t.stride + col], exponent = code >> 3 & 15,
            fraction = code & 7;
  if ((code & 127) == 127) return NAN;
  const float size = exponent ? std::ldexp(static_cast<float>(8 + fraction), exponent - 10)
                              : std::ldexp(static_cast<float>(fraction), -9);
  return code & 128 ? -size : size;
}

void put(const Tensor& t, int64_t row, int64_t col, float f) {
  const int64_t at = row * t.stride + col;
  if (t.dtype == DType::f32) {
    static_cast<float*>(t.data)[at] = f;
    return;
  }
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  static_cast<uint16_t*>(t.data)[at] = static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void require(bool ok, const char* what) {
  if (!ok) throw Error(std::string("not a GEMM that cuBLASLt supports: ") + what);
}

int64_t bytes_of(const Tensor& t, bool codes) {
  return ((t.rows - 1) * t.stride + t.cols) * (codes ? int64_t{1} : static_cast<int64_t>(size_of(t.dtype)));
}

// All of it must be in one device allocation.
void require_device(const void* data, int64_t bytes) {
  const auto* region = cuda_sim::find_global(data);
  const auto* end = static_cast<const char*>(data) + bytes;
  require(region && end <= region->begin() + region->bytes(), "a matrix outside of the device's memory");
}
void require_device(const Tensor& t, bool codes) {
  require_device(t.data, bytes_of(t, codes));
  require(t.stride >= t.cols, "rows that overlap");
}

using cuda_sim::Access;
bool check_access(const void* data, int64_t bytes, Access access) {
  return cuda_sim::find_global(data)->allows_whole(data, static_cast<size_t>(bytes), access);
}

void check_codes(const GemmCall& p) {
  const auto at_16 = [](const Tensor& t, int64_t size) {
    return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride * size % 16 == 0;
  };
  const Fp8Gemms how = cuda_sim::gemm_settings().fp8_gemms;
  require(how != Fp8Gemms::none, "codes");
  require(p.transpose_b && !p.transpose_a, "codes in this layout");
  require(p.a.cols % 16 == 0 && p.d.cols % 16 == 0, "codes of such sizes");
  require(at_16(p.a, 1) && at_16(p.b, 1), "codes that begin there");
  for (const Tensor& t : {p.d, p.c ? *p.c : p.d})
    require(at_16(t, static_cast<int64_t>(size_of(t.dtype))), "results there");
  const bool scales = p.a_scales && p.b_scales;
  require(scales ? how == Fp8Gemms::scaled : !p.a_scales && !p.b_scales, "such scales");
  if (!scales) return;
  require_device(p.a_scales, p.d.rows * static_cast<int64_t>(sizeof(float)));
  require_device(p.b_scales, p.d.cols * static_cast<int64_t>(sizeof(float)));
}

bool applies(const cuda_sim::GemmSettings::Which& which, const GemmCall& p) { return which && which(p); }

// The alignment of a GEMM's matrices, which the library is told once and relies on in every run.
std::array<uintptr_t, 4> alignments(const GemmCall& p) {
  const auto of = [](const void* data) {
    const auto address = reinterpret_cast<uintptr_t>(data) | 256;
    return address & -address;
  };
  return {of(p.a.data), of(p.b.data), of(p.d.data), of(p.c ? p.c->data : p.d.data)};
}

class PlainGemm final : public PreparedGemm {
 public:
  explicit PlainGemm(const GemmCall& p)
      : odd_(p.d.cols % 2), lacks_(applies(cuda_sim::gemm_settings().lacks, p)), alignments_(alignments(p)) {}
  std::vector<Algorithm> algorithms(int most) const override {
    std::vector<Algorithm> all;
    if (lacks_) return all;
    for (uint64_t parts = 1; parts <= 4 && parts <= static_cast<uint64_t>(most); parts++) all.push_back({parts});
    return all;
  }
  // As with a real library, not every algorithm supports every shape.
  bool takes(const Algorithm& a) const override { return a[0] >= 1 && a[0] <= (odd_ ? 2u : 4u); }

  void run(const GemmCall& p, const Algorithm& algorithm, Stream stream) const override {
    require(takes(algorithm) && !lacks_, "this algorithm");
    require(!applies(cuda_sim::gemm_settings().fails, p), "refused when it is run");
    const std::array<uintptr_t, 4> now_at = alignments(p);
    for (size_t i = 0; i < now_at.size(); i++)
      require(now_at[i] >= alignments_[i], "a matrix that is less aligned than when the GEMM was prepared");
    const int64_t m = p.d.rows, n = p.d.cols, k = p.transpose_a ? p.a.rows : p.a.cols;
    require((p.transpose_a ? p.a.cols : p.a.rows) == m, "rows of a");
    require((p.transpose_b ? p.b.rows : p.b.cols) == n, "columns of b");
    require((p.transpose_b ? p.b.cols : p.b.rows) == k, "a and b of different depth");
    require(p.a.dtype == p.b.dtype, "operands of different types");
    require(p.codes || p.d.dtype == DType::f32 || p.a.dtype == DType::bf16, "the result's type");
    require(!p.c || p.c->dtype == p.d.dtype, "c and d of different types");
    for (const Tensor& t : {p.a, p.b}) require_device(t, p.codes);
    for (const Tensor& t : {p.d, p.c ? *p.c : p.d}) require_device(t, false);
    if (p.codes) check_codes(p);
    const std::optional<Tensor> added = p.c ? std::optional(*p.c) : std::nullopt;
    const auto parts = static_cast<int64_t>(algorithm[0]);
    cuda_sim::enqueue(reinterpret_cast<cuda_sim::Stream*>(stream), [p, added, parts, m, n, k] {
      if (allowed(p, added)) multiply(p, added, parts, k);
      now += cuda_sim::gemm_settings().cost[static_cast<size_t>(parts - 1)] * static_cast<double>(m * n * k) * 1e-6;
      cuda_sim::gemm_settings().runs++;
      cuda_sim::throw_faults("a GEMM");
    });
  }

 private:
  static bool allowed(const GemmCall& p, const std::optional<Tensor>& added) {
    bool all = check_access(p.a.data, bytes_of(p.a, p.codes), Access::read);
    all &= check_access(p.b.data, bytes_of(p.b, p.codes), Access::read);
    all &= check_access(p.d.data, bytes_of(p.d, false), Access::write);
    if (added) all &= check_access(added->data, bytes_of(*added, false), Access::read);
    for (const auto& [scales, count] : {std::pair{p.a_scales, p.d.rows}, std::pair{p.b_scales, p.d.cols}}) {
      if (scales) all &= check_access(scales, count * static_cast<int64_t>(sizeof(float)), Access::read);
    }
    return all;
  }

  static void multiply(const GemmCall& p, const std::optional<Tensor>& added, int64_t parts, int64_t k) {
    const auto value = p.codes ? code_value : number;
    const bool ignored = applies(cuda_sim::gemm_settings().ignores_scales, p);
    for (int64_t i = 0; i < p.d.rows; i++)
      for (int64_t j = 0; j < p.d.cols; j++) {
        float sums[4] = {};
        for (int64_t l = 0; l < k; l++) {
          sums[l % parts] += (p.transpose_a ? value(p.a, l, i) : value(p.a, i, l)) *
                             (p.transpose_b ? value(p.b, j, l) : value(p.b, l, j));
        }
        float sum = sums[0];
        for (int64_t part = 1; part < parts; part++) sum += sums[part];
        sum *= p.alpha;
        if (p.a_scales && !ignored) sum *= p.a_scales[i] * p.b_scales[j];
        put(p.d, i, j, sum + (added ? number(*added, i, j) : 0));
      }
  }

  bool odd_, lacks_;
  std::array<uintptr_t, 4> alignments_;
};

class PlainLibrary final : public GemmLibrary {
 public:
  std::string identity() const override { return cuda_sim::gemm_settings().identity; }
  Fp8Gemms fp8_gemms() const override { return cuda_sim::gemm_settings().fp8_gemms; }
  int64_t worth_trying() const override { return cuda_sim::gemm_settings().worth_trying; }
  std::unique_ptr<PreparedGemm> prepare(const GemmCall& p) override { return std::make_unique<PlainGemm>(p); }
};

}  // namespace

std::unique_ptr<GemmLibrary> make_gemm_library(const Gpu&) { return std::make_unique<PlainLibrary>(); }

// Work is done when it must be: at both ends all of it.
namespace {
double started = 0;
}
Timer::Timer() = default;
Timer::~Timer() = default;
void Timer::start(Stream stream) {
  synchronize(stream);
  started = now;
}
double Timer::stop(Stream stream) {
  synchronize(stream);
  return now - started;
}

}  // namespace vq::cuda
