// ops/cuda/runtime.h and gemm.h on the CPU, for tests. Work is done where it is asked for: every order of streams that
// events allow gives what this one gives.
//
// Memory of the device is zeroed by nobody: it begins as NaN.
#include "ops/cuda/runtime.h"

#include <sys/mman.h>

#include <cstring>
#include <map>
#include <mutex>

#include "ops/cuda/gemm.h"
#include "tests/cuda_on_cpu/memory.h"

namespace vq::cuda {
namespace {

constexpr size_t kMemory = size_t{4} << 30;  // of the card
constexpr size_t kAlign = 256;               // of what cudaMalloc gives

std::mutex mutex;
std::map<void*, size_t> allocations;
size_t taken = 0;

template <class Handle>
Handle some_handle() {
  static char place;
  return reinterpret_cast<Handle>(&place);
}

float number(const Tensor& t, int64_t row, int64_t col) {
  const int64_t at = row * t.stride + col;
  if (t.dtype == DType::f32) return static_cast<const float*>(t.data)[at];
  const uint32_t bits = uint32_t{static_cast<const uint16_t*>(t.data)[at]} << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
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
  if (!ok) throw Error(std::string("a product that cuBLASLt does not do: ") + what);
}

// The whole of it lies in one allocation of the device.
void require_device(const Tensor& t) {
  const auto* region = cuda_on_cpu::find_global(t.data);
  const auto* end =
      static_cast<const char*>(t.data) + ((t.rows - 1) * t.stride + t.cols) * static_cast<int64_t>(size_of(t.dtype));
  require(region && end <= region->begin() + region->bytes(), "a matrix outside of the device's memory");
  require(t.stride >= t.cols, "rows that overlap");
}

class PlainGemm final : public Gemm {
 public:
  size_t workspace_bytes() const override { return 0; }
  void multiply(const Product& p, Stream) override {
    const int64_t m = p.d.rows, n = p.d.cols, k = p.transpose_a ? p.a.rows : p.a.cols;
    if (m == 0 || n == 0) return;
    require((p.transpose_a ? p.a.cols : p.a.rows) == m, "rows of a");
    require((p.transpose_b ? p.b.rows : p.b.cols) == n, "columns of b");
    require((p.transpose_b ? p.b.cols : p.b.rows) == k, "a and b of different depth");
    require(p.a.dtype == p.b.dtype, "operands of different types");
    require(p.d.dtype == DType::f32 || (p.d.dtype == DType::bf16 && p.a.dtype == DType::bf16), "the result's type");
    require(!p.c || p.c->dtype == p.d.dtype, "c and d of different types");
    for (const Tensor& t : {p.a, p.b, p.d, p.c ? *p.c : p.d}) require_device(t);
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) {
        float sum = 0;
        for (int64_t l = 0; l < k; l++) {
          sum += (p.transpose_a ? number(p.a, l, i) : number(p.a, i, l)) *
                 (p.transpose_b ? number(p.b, j, l) : number(p.b, l, j));
        }
        put(p.d, i, j, p.alpha * sum + (p.c ? number(*p.c, i, j) : 0));
      }
  }
};

}  // namespace

Card find_card(int index) {
  if (index != 0) throw Error("there is no GPU " + std::to_string(index) + ": this machine has 1, counted from 0");
  return {"CUDA on the CPU", 8, 0, 4, size_t{163} << 10, kMemory};
}

void use_card(int) {}
size_t memory_available() { return kMemory - taken; }

void* device_alloc(size_t bytes) {
  std::lock_guard lock(mutex);
  if (bytes > kMemory - taken) {
    throw NoMemory("the GPU has no room for " + std::to_string(bytes >> 20) + " MiB more, " +
                   std::to_string((kMemory - taken) >> 20) + " MiB are free");
  }
  void* p = ::operator new (bytes, std::align_val_t{kAlign});
  std::memset(p, 0xff, bytes);
  cuda_on_cpu::add_global(p, bytes);
  allocations[p] = bytes;
  taken += bytes;
  return p;
}

void device_free(void* p) noexcept {
  if (!p) return;
  std::lock_guard lock(mutex);
  taken -= allocations[p];
  allocations.erase(p);
  cuda_on_cpu::remove_global(p);
  ::operator delete (p, std::align_val_t{kAlign});
}

void* pinned_alloc(size_t bytes) {
  void* p = ::operator new (bytes, std::align_val_t{kAlign});
  cuda_on_cpu::add_global(p, bytes);
  return p;
}
void pinned_free(void* p) noexcept {
  cuda_on_cpu::remove_global(p);
  ::operator delete (p, std::align_val_t{kAlign});
}

Stream make_stream() { return some_handle<Stream>(); }
void destroy(Stream) noexcept {}
void synchronize(Stream) {}
Event make_event() { return some_handle<Event>(); }
void destroy(Event) noexcept {}
void record(Event, Stream) {}
void wait_on_host(Event) {}

void copy_to_device(void* to, const void* pinned, size_t bytes, Stream) { std::memcpy(to, pinned, bytes); }
void copy_to_host(void* pinned, const void* from, size_t bytes, Stream) { std::memcpy(pinned, from, bytes); }
void fill_zero(void* p, size_t pitch, size_t width, size_t rows, Stream) {
  for (size_t r = 0; r < rows; r++) std::memset(static_cast<char*>(p) + r * pitch, 0, width);
}

std::unique_ptr<Gemm> make_gemm() { return std::make_unique<PlainGemm>(); }

}  // namespace vq::cuda
