#include "ops/cuda/attention/check.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vq::cuda {
namespace {

constexpr int kHeads = 2, kKeyHeads = 1;
constexpr int32_t kShortRows = 21;

// Device memory for the lifetime of the problem.
class Arrays {
 public:
  explicit Arrays(Device& device) : device_(device) {}
  ~Arrays() {
    for (void* p : memory_) {
      try {
        device_.free(p);
      } catch (const std::exception&) {
        // A failure in the constructor occurs again here and was already reported there.
      }
    }
  }
  Arrays(const Arrays&) = delete;
  Arrays& operator=(const Arrays&) = delete;

  void* bytes(size_t n) {
    memory_.push_back(device_.alloc(n));
    return memory_.back();
  }
  Tensor matrix(int64_t rows, int64_t cols, DType type) {
    return {bytes(static_cast<size_t>(rows * cols) * size_of(type)), type, rows, cols, cols};
  }
  // bf16 numbers between -2 and 2, the same for the same seed.
  Tensor numbers(int64_t rows, int64_t cols, uint32_t seed) {
    const Tensor t = matrix(rows, cols, DType::bf16);
    std::vector<uint16_t> values(static_cast<size_t>(rows * cols));
    uint32_t state = seed;
    for (uint16_t& x : values) {
      state = state * 1664525 + 1013904223;
      const float f = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-30f;
      uint32_t bits;
      std::memcpy(&bits, &f, sizeof bits);
      x = static_cast<uint16_t>(bits >> 16);
    }
    device_.upload(t.data, values.data(), values.size() * sizeof(uint16_t));
    return t;
  }
  std::vector<float> values(const void* data, int64_t count) {
    std::vector<float> all(static_cast<size_t>(count));
    device_.download(all.data(), data, all.size() * sizeof(float));
    return all;
  }
  std::vector<float> values(const Tensor& t) { return values(t.data, t.rows * t.cols); }

 private:
  Device& device_;
  std::vector<void*> memory_;
};

// Terms are rounded to bf16 twice (2^-9 each) before they are summed, and differently on the two sides: each result is
// within a few 2^-9 of the largest value, and the overall relative error is a few 2^-9.
bool near(const std::vector<float>& got, const std::vector<float>& want) {
  constexpr double kOfLargest = 3e-2, kOfAll = 1e-2;
  double largest = 0, furthest = 0, squares = 0, errors = 0;
  for (size_t i = 0; i < want.size(); i++) {
    const double w = want[i], e = std::fabs(got[i] - w);
    if (!std::isfinite(e)) return false;
    largest = std::max(largest, std::fabs(w));
    furthest = std::max(furthest, e);
    squares += w * w;
    errors += e * e;
  }
  return furthest <= kOfLargest * largest && errors <= kOfAll * kOfAll * squares;
}

}  // namespace

AttentionResults small_attention(Device& device, Stream stream, const Attention::Gpu& gpu, int head_dim,
                                 int32_t long_rows) {
  Attention attention(gpu, [&](void* to, const void* host, size_t bytes) { device.upload(to, host, bytes); });
  const AttentionShape shape{kHeads, kKeyHeads, head_dim, 1 / std::sqrt(static_cast<float>(head_dim))};
  std::vector<AttentionSegment> segments;
  std::vector<KeyRange> ranges;
  std::vector<int32_t> visible;
  for (int32_t length : {long_rows, kShortRows}) {
    const auto begin = static_cast<int32_t>(visible.size());
    segments.push_back({begin, length, static_cast<int32_t>(ranges.size()), 1});
    ranges.push_back({begin, length});
    for (int32_t i = 0; i < length; i++) visible.push_back(i + 1);
  }
  const AttentionPlan plan{segments, ranges, visible};
  const auto rows = static_cast<int64_t>(visible.size());
  Arrays arrays(device);
  const int64_t wide = kHeads * head_dim, narrow = kKeyHeads * head_dim;
  attention.set_workspace(arrays.bytes(attention.grown_bytes(rows, shape)), rows, shape);
  const Tensor q = arrays.numbers(rows, wide, 1), k = arrays.numbers(rows, narrow, 2);
  const Tensor v = arrays.numbers(rows, narrow, 3), dout = arrays.numbers(rows, wide, 4);
  const Tensor o = arrays.matrix(rows, wide, DType::f32), dq = arrays.matrix(rows, wide, DType::f32);
  const Tensor dk = arrays.matrix(rows, narrow, DType::f32), dv = arrays.matrix(rows, narrow, DType::f32);
  const Tensor lse = arrays.matrix(rows, kHeads, DType::f32);
  auto* sums = static_cast<float*>(lse.data);
  attention.forward(stream, o, sums, q, k, v, shape, plan);
  attention.backward(stream, dq, dk, dv, dout, q, k, v, o, sums, shape, plan);
  return {arrays.values(o), arrays.values(lse), arrays.values(dq), arrays.values(dk), arrays.values(dv)};
}

std::string different_result(const AttentionResults& got, const AttentionResults& want) {
  if (!near(got.o, want.o)) return "o";
  if (!near(got.lse, want.lse)) return "lse";
  if (!near(got.dq, want.dq)) return "dq";
  if (!near(got.dk, want.dk)) return "dk";
  if (!near(got.dv, want.dv)) return "dv";
  return "";
}

std::string different_with_wgmma(Device& device, Stream stream, Attention::Gpu gpu, int32_t rows) {
  gpu.multiprocessors = 1;  // selects the many-row kernels on both sides
  for (int head_dim : {64, 128}) {
    gpu.wgmma = false;
    const AttentionResults want = small_attention(device, stream, gpu, head_dim, rows);
    gpu.wgmma = true;
    const std::string what = different_result(small_attention(device, stream, gpu, head_dim, rows), want);
    if (!what.empty()) return what + " " + std::to_string(head_dim);
  }
  return "";
}

}  // namespace vq::cuda
