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
  bool fast_sums =
      false;  // of codes: the tensor cores may keep fewer bits of partial sums than f32 has, which is faster
  const float *a_scales = nullptr, *b_scales = nullptr;  // of the rows, if the library applies them
};

// Defined by each library.
using Algorithm = std::array<uint64_t, 8>;

// A GEMM shape, as prepared by a library.
class PreparedGemm {
 public:
  virtual ~PreparedGemm() = default;
  // Ordered by expected speed, fastest first; empty if the library has no kernel for the shape.
  virtual std::vector<Algorithm> algorithms(int most) const = 0;
  virtual bool takes(const Algorithm& algorithm) const = 0;
  virtual void run(const GemmCall& call, const Algorithm& algorithm, Stream stream) const = 0;
};

class GemmLibrary {
 public:
  virtual ~GemmLibrary() = default;
  // Identifies the library and GPU: choices are valid for one such pair. One line.
  virtual std::string identity() const = 0;
  // The best that the library may support on this GPU: Gemm::find_fp8_gemms tries it.
  virtual Fp8Gemms fp8_gemms() const = 0;
  // Multiply-adds of a GEMM; smaller ones are dominated by launch time.
  virtual int64_t worth_trying() const { return int64_t{1} << 26; }
  virtual std::unique_ptr<PreparedGemm> prepare(const GemmCall& call) = 0;
};

// For the current GPU. Throws Error if the library is missing.
std::unique_ptr<GemmLibrary> make_gemm_library(const Gpu& gpu);

class Gemm {
 public:
  // cache_bytes: of L2, which trials overwrite before each run, as the other work of a step does.
  explicit Gemm(std::unique_ptr<GemmLibrary> library, size_t cache_bytes = 0)
      : library_(std::move(library)), cache_bytes_(cache_bytes) {}
  void multiply(const GemmCall& call, Stream stream);
  // Whether the library has a kernel for this GEMM.
  bool has_kernel(const GemmCall& call, Stream stream) { return plan_of(call, stream).prepared != nullptr; }
  // GEMMs of at least 8 x 8 so far with an operand or result whose rows are not aligned to 16 bytes.
  int64_t unaligned() const { return unaligned_; }

  // Runs small fp8 GEMMs with every type of result and keeps the best way in which all of them are right: for some
  // combinations the library offers a kernel and fails to run it.
  void find_fp8_gemms(Stream stream);
  Fp8Gemms fp8_gemms() const { return fp8_gemms_; }

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
    std::unique_ptr<PreparedGemm> prepared;  // null: the library has no kernel
    Algorithm algorithm;
  };
  static Shape shape_of(const GemmCall& p, int64_t rows);
  const Plan& plan_of(const GemmCall& p, Stream stream);
  Plan plan_for(const GemmCall& p, Stream stream);
  const Algorithm* choice_for(const GemmCall& p, const PreparedGemm& prepared) const;
  Algorithm fastest(const std::vector<Algorithm>& all, const PreparedGemm& prepared, const GemmCall& p,
                    Stream stream) const;
  bool fp8_works(Fp8Gemms how, Stream stream) const;

  // Batches of different lengths each create plans; eventually all exist.
  static constexpr size_t kMostPlans = 1 << 16;
  std::unique_ptr<GemmLibrary> library_;
  size_t cache_bytes_;
  Fp8Gemms fp8_gemms_ = Fp8Gemms::none;
  std::map<Shape, Plan> plans_;
  std::map<Shape, Algorithm> choices_;
  bool trying_ = false;
  int64_t unaligned_ = 0;
};

// Numbers of rows that share a choice: up to the next quarter of a power of two. One more tile of rows can need another
// algorithm, but a table for every number of rows would take too long to make.
int64_t rows_of_choice(int64_t rows);

}  // namespace vq::cuda
