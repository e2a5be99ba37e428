// vq_device_*.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "api/handles.h"

using namespace vq;

namespace {

template <size_t N>
void copy_text(char (&to)[N], const std::string& from) {
  const size_t n = std::min(from.size(), N - 1);
  std::memcpy(to, from.data(), n);
  to[n] = 0;
}

// Seconds of the fastest of many short runs after a warm-up: other processes disturb most of them.
template <class Body>
double fastest(Device& device, Body&& body) {
  double best = 1e30, total = 0;
  for (int i = 0; i < 100 && (i < 3 || total < 0.1); i++) {
    const auto start = std::chrono::steady_clock::now();
    body();
    device.synchronize();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (i > 0) best = std::min(best, seconds);
    total += seconds;
  }
  return best;
}

// Neighboring values differ: untouched pages would all be one page of zeros.
void fill(Device& device, const Tensor& t) {
  std::vector<float> row(t.cols);
  Arena arena(device);
  const Tensor staged = arena.matrix(Purpose::workspace, DType::f32, 1, t.cols);
  for (int64_t r = 0; r < t.rows; r++) {
    for (int64_t c = 0; c < t.cols; c++) row[c] = static_cast<float>((r * 31 + c * 17) % 101) / 101 - 0.5f;
    device.upload(staged.data, row.data(), row.size() * sizeof(float));
    device.copy(t.row_range(r, 1), staged);
  }
}

double measure_gemm(Device& device, DType precision, int64_t m, int64_t n, int64_t k) {
  Arena arena(device);
  const Tensor x = arena.matrix(Purpose::workspace, precision, m, k);
  const Tensor y = arena.matrix(Purpose::workspace, precision, m, n);
  fill(device, x);
  fill(device, y);
  std::vector<float> host(n * k);
  for (size_t i = 0; i < host.size(); i++) host[i] = static_cast<float>(i % 127) / 127 - 0.5f;
  const WeightBlock block{host.data(), DType::f32, n};
  const std::unique_ptr<Weight> w(device.make_weight({&block, 1}, k, precision, use_forward | use_copy));
  device.reserve_workspace(m, n, k, {1, 1, 64, 1});
  return 2e-9 * m * n * k / fastest(device, [&] { device.linear(y, x, *w, nullptr); });
}

// The fastest of two loops over more memory than caches hold, a slice at a time: the sum of squares, and on a device
// that reads the host's memory a row times a matrix, as in decoding.
double measure_bandwidth(Device& device) {
  constexpr int64_t kSlices = 16, kRows = 1 << 13, kColumns = 1 << 11;  // slices of 32 MiB of bf16
  constexpr int64_t kFloats = kRows * kColumns / 2;
  Arena arena(device);
  const Tensor matrix = arena.matrix(Purpose::workspace, DType::bf16, kSlices * kRows, kColumns);
  const Tensor x = arena.matrix(Purpose::workspace, DType::bf16, 1, kColumns);
  const Tensor y = arena.matrix(Purpose::workspace, DType::f32, 1, kRows);
  double* sum = arena.array<double>(Purpose::workspace, 1);
  fill(device, matrix);
  fill(device, x);
  int64_t turn = 0;
  const auto next_slice = [&] { return matrix.row_range(turn++ % kSlices * kRows, kRows).data; };
  double seconds =
      fastest(device, [&] { device.accumulate_sum_of_squares(sum, static_cast<const float*>(next_slice()), kFloats); });
  if (!device.capabilities().discrete_memory) {
    device.reserve_workspace(1, kRows, kColumns, {1, 1, 64, 1});
    std::vector<std::unique_ptr<Weight>> weights;
    for (int64_t i = 0; i < kSlices; i++) {
      const WeightBlock block{next_slice(), DType::bf16, kRows};
      weights.emplace_back(device.make_weight({&block, 1}, kColumns, DType::bf16, use_decode));
    }
    seconds = std::min(seconds, fastest(device, [&] { device.linear(y, x, *weights[turn++ % kSlices], nullptr); }));
  }
  return kFloats * sizeof(float) / seconds;
}

}  // namespace

int vq_device_open_cpu(int32_t threads, vq_device** out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(out);
    if (threads < 0) throw BadArgument("the number of threads is negative");
    auto made = std::make_unique<vq_device>();
    made->device.reset(open_cpu(threads));
    *out = made.release();
  });
}

void vq_device_close(vq_device* d) { delete d; }

void vq_device_describe(const vq_device* d, vq_device_info* out) {
  const DeviceInfo info = d->device->info();
  copy_text(out->name, info.name);
  copy_text(out->instructions, info.instructions);
  out->threads = info.threads;
  out->fast_bf16 = info.fast_bf16;
  out->memory_total = info.memory_total;
  out->discrete_memory = d->device->capabilities().discrete_memory;
  out->memory_available = info.memory_available;
  out->unaligned_gemms = info.unaligned_gemms;
  copy_text(out->gemm_library, info.gemm_library);
}

int vq_device_read_gemm_tuning(const vq_device* d, void* bytes, size_t capacity, size_t* size, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(d, size);
    const std::vector<uint8_t> all = d->device->gemm_choices();
    *size = all.size();
    if (capacity > 0) require_pointers(bytes);
    if (capacity > 0) std::memcpy(bytes, all.data(), std::min(capacity, all.size()));
  });
}

int vq_device_write_gemm_tuning(vq_device* d, const void* bytes, size_t size, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(d, bytes);
    d->worker.wait_idle();
    d->device->set_gemm_choices({static_cast<const uint8_t*>(bytes), size});
  });
}

int vq_device_measure_gemm(vq_device* d, int32_t precision, int64_t m, int64_t n, int64_t k, double* gflops,
                           vq_error* err) {
  return guarded(err, [&] {
    require_pointers(d, gflops);
    constexpr int64_t kMost = 1 << 20;
    if (m < 1 || n < 1 || k < 1 || m > kMost || n > kMost || k > kMost) throw BadArgument("a size is out of range");
    require(precision == VQ_F32 || precision == VQ_BF16, "the precision of a GEMM is f32 or bf16");
    d->worker.wait_idle();
    *gflops = measure_gemm(*d->device, precision == VQ_BF16 ? DType::bf16 : DType::f32, m, n, k);
  });
}

int vq_device_measure_bandwidth(vq_device* d, double* bytes_per_second, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(d, bytes_per_second);
    d->worker.wait_idle();
    *bytes_per_second = measure_bandwidth(*d->device);
  });
}
