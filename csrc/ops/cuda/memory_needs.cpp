#include "ops/cuda/memory_needs.h"

#include <algorithm>

#include "ops/cuda/attention/plan.h"
#include "ops/quantize.h"

namespace vq::cuda {

bool keeps_gather_rows(std::span<const WeightBlock> blocks, DType compute, unsigned uses) {
  return (uses & use_gather) && (!(uses & kGemmUses) || blocks[0].dtype != compute);
}

int64_t rows_of(std::span<const WeightBlock> blocks) {
  int64_t rows = 0;
  for (const WeightBlock& b : blocks) rows += b.rows;
  return rows;
}

namespace {
constexpr int64_t kUnit = 256, kLeastUnit = 64;  // of tile_lines
}

int64_t tile_lines(int64_t tile_elements, int64_t whole, int64_t depth) {
  const auto rounded = [](int64_t lines, int64_t unit) { return std::max(unit, lines / unit * unit); };
  const int64_t fit = tile_elements / depth;
  if (fit >= whole) return whole;
  const int64_t unit = fit >= kUnit ? kUnit : kLeastUnit, most = rounded(fit, unit);
  // As many tiles as that takes, of about the same size.
  const int64_t tiles = (whole + most - 1) / most, each = (whole + tiles - 1) / tiles;
  return std::min(whole, (each + unit - 1) / unit * unit);
}

size_t CudaMemoryNeeds::tile_bytes(int64_t n, int64_t k, DType compute) const {
  return static_cast<size_t>(std::min(n * k, std::max(tile_elements_, kLeastUnit * std::max(n, k)))) * size_of(compute);
}

bool CudaMemoryNeeds::multiplies_codes(int64_t n, int64_t k, DType compute) const {
  return compute == DType::bf16 && fp8_gemms_ != Fp8Gemms::none && n % kFp8Unit == 0 && k % kFp8Unit == 0;
}

WeightBytes CudaMemoryNeeds::weight_bytes(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                                          WeightFormat format) const {
  WeightBytes bytes;
  const int64_t n = rows_of(blocks);
  if (format != WeightFormat::plain) {
    for (const WeightBlock& b : blocks) bytes.owned += QuantizedSizes(stored_as(format), b.rows, k).all();
    if (format == WeightFormat::fp8_gemm && (uses & use_backward) && multiplies_codes(n, k, compute)) {
      bytes.owned += static_cast<size_t>(n * k);
    }
    bytes.scratch = tile_bytes(n, k, compute);
    return bytes;
  }
  const auto elements = static_cast<size_t>(n * k);
  if (uses & kGemmUses) bytes.owned += elements * size_of(compute);
  if (keeps_gather_rows(blocks, compute, uses)) bytes.owned += elements * size_of(blocks[0].dtype);
  return bytes;
}

size_t CudaMemoryNeeds::workspace_bytes(int64_t rows, int64_t, int64_t, const AttentionShape& shape) const {
  return attention_bytes(rows, shape, multiprocessors_).all();
}

// A byte per element and a scale per row. GEMMs that do not multiply codes use it for elements of other types.
size_t CudaMemoryNeeds::fp8_operand_bytes(int64_t rows, int64_t widest) const {
  const auto elements = static_cast<size_t>(std::max<int64_t>(rows, sizeof(float)) * widest);
  return aligned_part(elements) + static_cast<size_t>(rows) * sizeof(float);
}

size_t CudaMemoryNeeds::fp8_sum_bytes(int64_t rows, int64_t widest) const {
  constexpr int64_t kMostSums = int64_t{16} << 20;
  if (fp8_gemms_ != Fp8Gemms::unscaled) return 0;
  return static_cast<size_t>(std::max(std::min(kMostSums, rows * widest), rows * kFp8Unit)) * sizeof(float);
}

size_t CudaMemoryNeeds::cast_workspace_bytes(int64_t rows, int64_t widest, WeightFormat format) const {
  if (format != WeightFormat::fp8_gemm) return 0;
  return fp8_operand_bytes(rows, widest) + fp8_sum_bytes(rows, widest);
}

}  // namespace vq::cuda
