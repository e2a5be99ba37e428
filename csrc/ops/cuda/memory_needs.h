// The memory that weights and ops use on an NVIDIA GPU. Plain C++ without CUDA: it is part of the engine itself, so
// that the engine can plan for a GPU that is not in this machine; the CUDA device allocates by the same functions.
#pragma once

#include "ops/memory_needs.h"

namespace vq::cuda {

// How fp8 GEMMs run: not at all, with results scaled afterwards, or scaled by the library.
enum class Fp8Gemms : uint8_t { none, unscaled, scaled };

// e4m3 GEMMs require matrix sizes that are multiples of this.
constexpr int64_t kFp8Unit = 16;
// Elements of a quantized matrix that are dequantized at a time.
constexpr int64_t kTileElements = int64_t{32} << 20;
// Rows or columns of the tiles that a quantized matrix with `whole` of them, of `depth` elements each, is cut into. All
// but the last are multiples of 256, or at least of 64: the GEMMs of tiles are as well aligned as that of the matrix.
int64_t tile_lines(int64_t tile_elements, int64_t whole, int64_t depth);
// Workspace for the algorithms of cuBLASLt: its recommendation for large GPUs.
constexpr size_t kGemmWorkspace = size_t{32} << 20;
// The context, loaded kernels and cuBLASLt's own memory; and the part that is allocated when kernels first run.
constexpr size_t kDriverBytes = size_t{448} << 20, kLateDriverBytes = size_t{192} << 20;

// One buffer for attention: the plan's tables, the deltas of a backward pass, and partial results.
struct AttentionBytes {
  size_t tables = 0, deltas = 0, partials = 0;
  size_t all() const { return tables + deltas + partials; }
};
// For calls with `rows` query rows; in backward passes also `rows` key rows.
AttentionBytes attention_bytes(int64_t rows, const AttentionShape& shape, int multiprocessors);

class CudaMemoryNeeds final : public MemoryNeeds {
 public:
  // driver_bytes: additional memory that the driver will allocate.
  CudaMemoryNeeds(int multiprocessors, Fp8Gemms fp8_gemms, size_t driver_bytes, int64_t tile_elements = kTileElements)
      : multiprocessors_(multiprocessors),
        fp8_gemms_(fp8_gemms),
        driver_bytes_(driver_bytes),
        tile_elements_(tile_elements) {}
  // An unused GPU. fp8: it has fp8 tensor cores.
  static CudaMemoryNeeds of_gpu(int multiprocessors, bool fp8) {
    return {multiprocessors, fp8 ? Fp8Gemms::unscaled : Fp8Gemms::none, kDriverBytes + kGemmWorkspace};
  }

  Capabilities capabilities() const override {
    return {.discrete_memory = true, .quantized_weights = true, .fp8_gemm = true};
  }
  WeightBytes weight_bytes(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                           WeightFormat format = WeightFormat::plain) const override;
  size_t workspace_bytes(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) const override;
  size_t cast_workspace_bytes(int64_t rows, int64_t widest, WeightFormat format) const override;
  size_t driver_bytes() const override { return driver_bytes_; }

  // Whether the GEMMs of a weight [n, k] run on e4m3 codes. A backward pass then needs a transposed copy of them.
  bool multiplies_codes(int64_t n, int64_t k, DType compute) const;
  // The parts of the cast workspace: `rows` operands in fp8, and results that are scaled afterwards.
  size_t fp8_operand_bytes(int64_t rows, int64_t widest) const;
  size_t fp8_sum_bytes(int64_t rows, int64_t widest) const;
  // The tiles that a quantized weight [n, k] is dequantized in: rows of a matrix with `rows` rows in the forward pass,
  // columns of all its matrices in the backward pass; and the bytes of the buffer that holds either.
  int64_t tile_rows(int64_t rows, int64_t k) const { return tile_lines(tile_elements_, rows, k); }
  int64_t tile_columns(int64_t n, int64_t k) const { return tile_lines(tile_elements_, k, n); }
  size_t tile_bytes(int64_t n, int64_t k, DType compute) const;

 private:
  int multiprocessors_;
  Fp8Gemms fp8_gemms_;
  size_t driver_bytes_;
  int64_t tile_elements_;
};

// Whether a plain weight keeps rows for gathering in a different type than that of its GEMMs.
bool keeps_gather_rows(std::span<const WeightBlock> blocks, DType compute, unsigned uses);
int64_t rows_of(std::span<const WeightBlock> blocks);

constexpr unsigned kGemmUses = use_forward | use_backward | use_decode;

}  // namespace vq::cuda
