// GEMMs on the GPU, computed by a library: cuBLASLt (gemm_cublaslt.cpp) or, in the simulator, a simple stand-in
// (tests/cuda_sim/gemm.cpp).
//
// A library offers several algorithms for a GEMM. The one that runs is chosen once per shape: from the table of choices
// that earlier runs saved, by tuning if enabled, otherwise the library's first. The order of summation depends on it,
// so two runs that must produce the same bytes need the same table.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/cuda/memory_needs.h"
#include "ops/cuda/runtime.h"
#include "ops/cuda/stream.h"
#include "ops/tensor.h"

namespace vq::cuda {

// d = alpha op(a) op(b) (+ c, if set). Row-major; op transposes. a and b are both f32 or both bf16; c and d are both
// f32, or both bf16 if a and b are. c can be d. Accumulates in f32.
struct GemmCall {
  Tensor d, a, b;
  const Tensor* c = nullptr;
  bool transpose_a = false, transpose_b = false;
  float alpha = 1;
  // a [m, k] and b [n, k] are e4m3 codes, one byte each, regardless of dtype, and transpose_b is set; k and n are
  // multiples of 16, and all rows are 16-byte aligned.
  bool codes = false;
  const float *a_scales = nullptr, *b_scales = nullptr;  // of the rows, if the library applies them
};

// Defined by each library.
using Algorithm = std::array<uint64_t, 8>;

// A GEMM shape, as prepared by a library.
class PreparedGemm {
 public:
  virtual ~PreparedGemm() = default;
  // Ordered by expected speed, fastest first; at least one.
  virtual std::vector<Algorithm> algorithms(int most) const = 0;
  virtual bool takes(const Algorithm& algorithm) const = 0;
  virtual void run(const GemmCall& call, const Algorithm& algorithm, Stream stream) const = 0;
};

class GemmLibrary {
 public:
  virtual ~GemmLibrary() = default;
  // Identifies the library and GPU: choices are valid for one such pair. One line.
  virtual std::string identity() const = 0;
  virtual Fp8Gemms fp8_gemms() const = 0;
  // Multiply-adds of a GEMM; smaller ones are dominated by launch time.
  virtual int64_t worth_trying() const { return int64_t{1} << 26; }
  virtual std::unique_ptr<PreparedGemm> prepare(const GemmCall& call) = 0;
};

// For the current GPU. Throws Error if the library is missing.
std::unique_ptr<GemmLibrary> make_gemm_library(const Gpu& gpu);

class Gemm {
 public:
  explicit Gemm(std::unique_ptr<GemmLibrary> library) : library_(std::move(library)) {}
  void multiply(const GemmCall& call, Stream stream);
  Fp8Gemms fp8_gemms() const { return library_->fp8_gemms(); }

  std::string identity() const { return library_->identity(); }
  // While enabled, GEMMs of shapes without a choice are run several times with each algorithm, and the fastest is
  // chosen. Results that accumulate into their output are then undefined.
  void try_algorithms(bool on);
  // Returns the table; replaces the table. Throws Error if the bytes are not a table for this library and GPU.
  std::vector<uint8_t> choices() const;
  void set_choices(std::span<const uint8_t> bytes);

 private:
  // The key of a choice: everything but the exact number of rows, which differs between batches.
  using Shape = std::array<int64_t, 12>;
  struct Plan {
    std::unique_ptr<PreparedGemm> prepared;
    Algorithm algorithm;
  };
  static Shape shape_of(const GemmCall& p, bool exactly);
  Plan plan_for(const GemmCall& p, Stream stream);
  Algorithm fastest(const PreparedGemm& prepared, const GemmCall& p, Stream stream) const;

  // Batches of different lengths each create plans; eventually all exist.
  static constexpr size_t kMostPlans = 1 << 16;
  std::unique_ptr<GemmLibrary> library_;
  std::map<Shape, Plan> plans_;
  std::map<Shape, Algorithm> choices_;
  bool trying_ = false;
};

}  // namespace vq::cuda
