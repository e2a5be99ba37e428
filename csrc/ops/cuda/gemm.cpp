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

// The largest power-of-two alignment of p, up to that of an allocation.
int64_t alignment(const void* p) {
  constexpr uintptr_t kMost = 256;
  return int64_t{1} << std::countr_zero(reinterpret_cast<uintptr_t>(p) | kMost);
}

// Every row begins at a multiple of 16 bytes, as the fast kernels need it.
bool aligned(const Tensor& t, bool codes) {
  const int64_t stride = t.stride * (codes ? 1 : static_cast<int64_t>(size_of(t.dtype)));
  return alignment(t.data) >= 16 && (stride % 16 == 0 || t.rows == 1);
}
bool aligned(const GemmCall& p) {
  constexpr int64_t kSmall = 8;  // fewer rows or columns than this fill no such kernel
  if (p.d.rows < kSmall || p.d.cols < kSmall) return true;
  return aligned(p.a, p.codes) && aligned(p.b, p.codes) && aligned(p.d, false) && (!p.c || aligned(*p.c, false));
}

// Overwrites the L2 cache.
class CacheEviction {
 public:
  explicit CacheEviction(size_t bytes) {
    try {
      if (bytes > 0) scratch_ = device_alloc(bytes);
      bytes_ = bytes;
    } catch (const NoMemory&) {  // trials then find part of the operands in the cache
    }
  }
  ~CacheEviction() {
    if (scratch_) device_free(scratch_);
  }
  CacheEviction(const CacheEviction&) = delete;
  CacheEviction& operator=(const CacheEviction&) = delete;
  void run(Stream stream) const {
    if (scratch_) fill_zero(scratch_, bytes_, bytes_, 1, stream);
  }

 private:
  void* scratch_ = nullptr;
  size_t bytes_ = 0;
};

// FNV-1a: detects truncation and accidental corruption.
uint64_t checksum(std::span<const uint8_t> bytes) {
  uint64_t h = 0xcbf29ce484222325;
  for (uint8_t b : bytes) h = (h ^ b) * 0x100000001b3;
  return h;
}

constexpr char kTitle[] = "choices of products 2\n";

}  // namespace

int64_t rows_of_choice(int64_t rows) {
  const auto octave = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(rows, 1))));
  const int64_t step = std::max<int64_t>(octave / 8, 1);  // a quarter of the upper half
  return (rows + step - 1) / step * step;
}

// In every GEMM of a model, the varying dimension is the rows of a: tokens or targets.
Gemm::Shape Gemm::shape_of(const GemmCall& p, int64_t rows) {
  const Tensor& c = p.c ? *p.c : p.d;
  const int64_t flags = p.transpose_a | p.transpose_b << 1 | (p.a.dtype == DType::bf16) << 2 |
                        (p.d.dtype == DType::bf16) << 3 | (p.c != nullptr) << 4 | (c.data == p.d.data) << 5 |
                        p.codes << 6 | (p.a_scales != nullptr) << 7 | p.fast_sums << 8;
  return {flags,
          rows,
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
  if (!aligned(p)) unaligned_++;
  const Plan& plan = plan_of(p, stream);
  if (!plan.prepared) throw Error("the GEMM library has no kernel for a GEMM of this shape");
  plan.prepared->run(p, plan.algorithm, stream);
}

const Gemm::Plan& Gemm::plan_of(const GemmCall& p, Stream stream) {
  const Shape exact = shape_of(p, p.a.rows);
  auto found = plans_.find(exact);
  if (found == plans_.end()) {
    if (plans_.size() >= kMostPlans) plans_.clear();
    found = plans_.emplace(exact, plan_for(p, stream)).first;
  }
  return found->second;
}

// The choice for this number of rows, or where only longer steps were tried, for the next larger one of them.
const Algorithm* Gemm::choice_for(const GemmCall& p, const PreparedGemm& prepared) const {
  const auto octave = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(p.a.rows)));
  for (int64_t rows = rows_of_choice(p.a.rows); rows <= octave; rows = rows_of_choice(rows + 1)) {
    const auto found = choices_.find(shape_of(p, rows));
    if (found != choices_.end() && prepared.takes(found->second)) return &found->second;
    if (trying_) return nullptr;
  }
  return nullptr;
}

Gemm::Plan Gemm::plan_for(const GemmCall& p, Stream stream) {
  std::unique_ptr<PreparedGemm> prepared = library_->prepare(p);
  if (const Algorithm* chosen = choice_for(p, *prepared)) return {std::move(prepared), *chosen};
  const bool tries = trying_ && p.a.rows >= kFewestRows && p.a.rows * p.a.cols * p.d.cols >= library_->worth_trying();
  const std::vector<Algorithm> all = prepared->algorithms(tries ? kTried : 1);
  if (all.empty()) return {};
  if (!tries) return {std::move(prepared), all.front()};
  const Algorithm best = fastest(all, *prepared, p, stream);
  choices_[shape_of(p, rows_of_choice(p.a.rows))] = best;
  return {std::move(prepared), best};
}

Algorithm Gemm::fastest(const std::vector<Algorithm>& all, const PreparedGemm& prepared, const GemmCall& p,
                        Stream stream) const {
  Timer timer;
  const CacheEviction cache(cache_bytes_);
  double least = 0;
  const Algorithm* best = nullptr;
  for (const Algorithm& algorithm : all) {
    if (!prepared.takes(algorithm)) continue;
    prepared.run(p, algorithm, stream);
    for (int round = 0; round < kRounds; round++) {
      double milliseconds = 0;
      for (int i = 0; i < kRuns; i++) {
        cache.run(stream);
        timer.start(stream);
        prepared.run(p, algorithm, stream);
        milliseconds += timer.stop(stream);
      }
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
