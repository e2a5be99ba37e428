// Quantized weights on the CPU, stored as ops/weight.h defines the formats. For many rows they are dequantized panel by
// panel; for a few rows the codes are read directly.
#pragma once

#include <memory>

#include "ops/cpu/kernels.h"
#include "ops/cpu/memory.h"
#include "ops/quantize.h"

namespace vq::cpu {

// One block of rows of a weight.
class QuantizedMatrix {
 public:
  // Throws Error for elements that are not finite.
  QuantizedMatrix(WeightFormat format, const WeightBlock& block, int64_t k, const IsaKernels& isa, Pool& pool);
  // In `memory` of QuantizedSizes(format, block.rows, k).all() bytes, which the caller keeps: the blocks of a weight in
  // one piece of memory have more of it on huge pages.
  QuantizedMatrix(WeightFormat format, const WeightBlock& block, int64_t k, const IsaKernels& isa, Pool& pool,
                  char* memory);

  int64_t rows() const { return rows_; }
  const QuantView& view() const { return views_->whole; }
  // Of int8 and fp8: as if all scales were 1.
  const QuantView& codes_alone() const { return views_->codes; }

 private:
  QuantizedMatrix(WeightFormat format, const WeightBlock& block, int64_t k, const IsaKernels& isa, Pool& pool,
                  Buffer memory);

  int64_t rows_;
  Buffer own_;
  struct Views {
    QuantView whole, codes;
  };
  std::unique_ptr<Views> views_;  // at a fixed address even if the matrix is moved: slices point to them
};

// Like PanelKernel::pack_b, for columns [first, first + count) of b over k starting at first_k: rows of w run along k,
// or each is one k.
void pack_quantized(const QuantView& w, const PanelKernel& kernel, void* panel, bool along_k, int64_t first,
                    int64_t count, int64_t first_k, int64_t k, bool round);

}  // namespace vq::cpu
