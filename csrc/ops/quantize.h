// Quantizing weights on the host: from floats to the codes of WeightFormat (ops/weight.h), for every device. A device
// may keep the codes in another layout, but not make other codes.
//
// The arithmetic is written step by step, each step rounded to float: quantize.cpp is compiled without contraction and
// without vector extensions beyond the baseline, so that every machine stores the same bytes.
#pragma once

#include "ops/e4m3.h"
#include "ops/nf4_tables.h"
#include "ops/pool.h"
#include "ops/weight.h"

namespace vq {

// Rounded up to the alignment of the parts.
constexpr size_t aligned_part(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Bytes of the parts of a quantized block of rows; each a multiple of 64.
struct QuantizedSizes {
  QuantizedSizes(WeightFormat format, int64_t rows, int64_t k);
  size_t all() const { return codes + scales + block_codes; }
  size_t codes;        // int8 and fp8: one per element; nf4: two per byte
  size_t scales;       // floats; int8 and fp8: one per row; nf4: one per 256 blocks
  size_t block_codes;  // nf4: one per block of 64
};

// Where the parts go.
struct QuantizedParts {
  uint8_t* codes;
  float* scales;
  uint8_t* block_codes;  // nf4 only
};

// Quantizes a block of rows [block.rows, k] in one of the stored formats. Returns the mean of the block maxima (nf4;
// else 0). Throws Error if an element is not finite.
float quantize(WeightFormat format, const WeightBlock& block, int64_t k, const QuantizedParts& to, Pool& threads);

// The steps, for devices that quantize activations (fp8_gemm) on the host.

// The largest magnitude of n floats; infinity or NaN if one of them is not finite.
float largest_magnitude(const float* x, int64_t n);
// The e4m3 codes of a row, whose largest magnitude is m (finite).
void quantize_e4m3(uint8_t* codes, const float* x, int64_t n, float m);

}  // namespace vq
