// GEMMs on the card, by a library: cuBLASLt (gemm_cublaslt.cpp), in the simulator a straightforward one
// (tests/cuda_sim/gemm.cpp).
//
// A library offers several algorithms for a GEMM. The one that runs is chosen once per shape: from the table of choices
// that earlier runs saved, by tuning if that is on, else the library's first. The order of sums depends on it, so two
// runs that must compute the same bytes need the same table.
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

// d = alpha op(a) op(b) + (c when there is one). Row-major; op transposes. a and b are both f32 or both bf16, c and d
// both f32, or both bf16 when a and b are. c may be d. Sums run in f32.
struct GemmCall {
  Tensor d, a, b;
  const Tensor* c = nullptr;
  bool transpose_a = false, transpose_b = false;
  float alpha = 1;
  // a [m, k] and b [n, k] are codes of e4m3, a byte each, whatever their dtype says, and transpose_b; k and n are
  // multiples of 16 and all rows begin at 16 bytes.
  bool codes = false;
  const float *a_scales = nullptr, *b_scales = nullptr;  // of the rows, where the library multiplies by them
};

// Of a library's own making.
using Algorithm = std::array<uint64_t, 8>;

// One shape of product, as a library has prepared it.
class PreparedGemm {
 public:
  virtual ~PreparedGemm() = default;
  // The likely fastest first; at least one.
  virtual std::vector<Algorithm> algorithms(int most) const = 0;
  virtual bool takes(const Algorithm& algorithm) const = 0;
  virtual void run(const GemmCall& product, const Algorithm& algorithm, Stream stream) const = 0;
};

class GemmLibrary {
 public:
  virtual ~GemmLibrary() = default;
  // Which library on which card: choices are for one such pair. One line.
  virtual std::string identity() const = 0;
  virtual Fp8Gemms fp8_gemms() const = 0;
  // Multiplications of a product; in smaller ones it is starting the kernel that takes the time.
  virtual int64_t worth_trying() const { return int64_t{1} << 26; }
  virtual std::unique_ptr<PreparedGemm> prepare(const GemmCall& product) = 0;
};

// For the card in use. Throws Error when the library is missing.
std::unique_ptr<GemmLibrary> make_gemm_library(const Card& card);

class Gemm {
 public:
  explicit Gemm(std::unique_ptr<GemmLibrary> library) : library_(std::move(library)) {}
  void multiply(const GemmCall& product, Stream stream);
  Fp8Gemms fp8_gemms() const { return library_->fp8_gemms(); }

  std::string identity() const { return library_->identity(); }
  // While it is on, products of shapes without a choice are run several times by each algorithm, and the fastest is
  // chosen. Results that add to what was there are then undefined.
  void try_algorithms(bool on);
  // The table, and in its place another. Throws Error when the bytes are not a table for this library and card.
  std::vector<uint8_t> choices() const;
  void set_choices(std::span<const uint8_t> bytes);

 private:
  // What a choice is made for: everything but the exact number of rows, which every batch has its own of.
  using Shape = std::array<int64_t, 12>;
  struct Plan {
    std::unique_ptr<PreparedGemm> prepared;
    Algorithm algorithm;
  };
  static Shape shape_of(const GemmCall& p, bool exactly);
  Plan plan_for(const GemmCall& p, Stream stream);
  Algorithm fastest(const PreparedGemm& prepared, const GemmCall& p, Stream stream) const;

  // Batches of every length make plans of their own; in the end all are made.
  static constexpr size_t kMostPlans = 1 << 16;
  std::unique_ptr<GemmLibrary> library_;
  std::map<Shape, Plan> plans_;
  std::map<Shape, Algorithm> choices_;
  bool trying_ = false;
};

}  // namespace vq::cuda
