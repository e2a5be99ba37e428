#include "ops/cuda/gemm.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ops/cuda/timer.h"

namespace vq::cuda {
namespace {

constexpr int kTried = 8;              // algorithms per trial
constexpr int kRuns = 3, kRounds = 2;  // runs of each, after one warm-up run
constexpr int64_t kFewestRows = 64;    // fewer rows: decoding

// The largest power-of-two alignment of p, up to 16 bytes.
int64_t alignment(const void* p) {
  return std::min<int64_t>(16, int64_t{1} << std::countr_zero(reinterpret_cast<uintptr_t>(p) | 16));
}

// Row counts of a that share a choice: rounded up to the next power of two.
int64_t step_of(int64_t rows) { return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rows))); }

// FNV-1a: detects truncation and accidental corruption.
uint64_t checksum(std::span<const uint8_t> bytes) {
  uint64_t h = 0xcbf29ce484222325;
  for (uint8_t b : bytes) h = (h ^ b) * 0x100000001b3;
  return h;
}

constexpr char kTitle[] = "choices of products 1\n";

}  // namespace

// In every GEMM of a model, the varying dimension is the rows of a: tokens or targets.
Gemm::Shape Gemm::shape_of(const GemmCall& p, bool exactly) {
  const Tensor& c = p.c ? *p.c : p.d;
  const int64_t flags = p.transpose_a | p.transpose_b << 1 | (p.a.dtype == DType::bf16) << 2 |
                        (p.d.dtype == DType::bf16) << 3 | (p.c != nullptr) << 4 | (c.data == p.d.data) << 5 |
                        p.codes << 6;
  return {flags,
          exactly ? p.a.rows : step_of(p.a.rows),
          p.a.cols,
          p.d.cols,
          p.a.stride,
          p.b.stride,
          p.d.stride,
          c.stride,
          alignment(p.a.data),
          alignment(p.b.data),
          alignment(p.d.data),
          alignment(c.data)};
}

void Gemm::multiply(const GemmCall& p, Stream stream) {
  if (p.d.rows == 0 || p.d.cols == 0) return;
  const Shape exact = shape_of(p, true);
  auto found = plans_.find(exact);
  if (found == plans_.end()) {
    if (plans_.size() >= kMostPlans) plans_.clear();
    found = plans_.emplace(exact, plan_for(p, stream)).first;
  }
  found->second.prepared->run(p, found->second.algorithm, stream);
}

Gemm::Plan Gemm::plan_for(const GemmCall& p, Stream stream) {
  Plan plan{library_->prepare(p), {}};
  const Shape shape = shape_of(p, false);
  const auto chosen = choices_.find(shape);
  if (chosen != choices_.end() && plan.prepared->takes(chosen->second)) {
    plan.algorithm = chosen->second;
    return plan;
  }
  if (trying_ && p.a.rows >= kFewestRows && p.a.rows * p.a.cols * p.d.cols >= library_->worth_trying()) {
    plan.algorithm = choices_[shape] = fastest(*plan.prepared, p, stream);
  } else {
    plan.algorithm = plan.prepared->algorithms(1).front();
  }
  return plan;
}

Algorithm Gemm::fastest(const PreparedGemm& prepared, const GemmCall& p, Stream stream) const {
  const std::vector<Algorithm> all = prepared.algorithms(kTried);
  Timer timer;
  double least = 0;
  const Algorithm* best = nullptr;
  for (const Algorithm& algorithm : all) {
    if (!prepared.takes(algorithm)) continue;
    prepared.run(p, algorithm, stream);
    for (int round = 0; round < kRounds; round++) {
      timer.start(stream);
      for (int i = 0; i < kRuns; i++) prepared.run(p, algorithm, stream);
      const double milliseconds = timer.stop(stream);
      // On a tie, the library's own order decides.
      if (!best || milliseconds < least) {
        least = milliseconds;
        best = &algorithm;
      }
    }
  }
  return best ? *best : all.front();
}

void Gemm::try_algorithms(bool on) {
  trying_ = on;
  plans_.clear();
}

// The title, the identity and a newline, the entries, and the checksum of all that.
std::vector<uint8_t> Gemm::choices() const {
  std::vector<uint8_t> bytes;
  const auto append = [&](const void* data, size_t n) {
    const auto* from = static_cast<const uint8_t*>(data);
    bytes.insert(bytes.end(), from, from + n);
  };
  const std::string head = kTitle + identity() + "\n";
  append(head.data(), head.size());
  for (const auto& [shape, algorithm] : choices_) {
    append(shape.data(), sizeof shape);
    append(algorithm.data(), sizeof algorithm);
  }
  const uint64_t sum = checksum(bytes);
  append(&sum, sizeof sum);
  return bytes;
}

void Gemm::set_choices(std::span<const uint8_t> bytes) {
  const std::string head = kTitle + identity() + "\n";
  constexpr size_t kEntry = sizeof(Shape) + sizeof(Algorithm);
  uint64_t sum = 0;
  if (bytes.size() < sizeof kTitle - 1 + sizeof sum || std::memcmp(bytes.data(), kTitle, sizeof kTitle - 1) != 0) {
    throw Error("not a table of GEMM choices of this version");
  }
  std::memcpy(&sum, bytes.data() + bytes.size() - sizeof sum, sizeof sum);
  bytes = bytes.first(bytes.size() - sizeof sum);
  if (sum != checksum(bytes)) throw Error("corrupt: checksum mismatch");
  if (bytes.size() < head.size() || std::memcmp(bytes.data(), head.data(), head.size()) != 0) {
    throw Error("made with another GPU, library or driver");
  }
  bytes = bytes.subspan(head.size());
  if (bytes.size() % kEntry != 0) throw Error("corrupt: the last entry is truncated");
  std::map<Shape, Algorithm> read;
  for (; !bytes.empty(); bytes = bytes.subspan(kEntry)) {
    Shape shape;
    std::memcpy(shape.data(), bytes.data(), sizeof shape);
    std::memcpy(read[shape].data(), bytes.data() + sizeof shape, sizeof(Algorithm));
  }
  choices_ = std::move(read);
  plans_.clear();
}

}  // namespace vq::cuda
