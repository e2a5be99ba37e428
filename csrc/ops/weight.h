// Frozen matrices of the base model, and the formats in which a device keeps them.
//
// What a quantized weight stands for is defined here to the bit; ops/quantize.h is the code that makes the codes, for
// every device, with ops/e4m3.h and ops/nf4_tables.h.
#pragma once

#include "ops/tensor.h"

namespace vq {

// Memory that a weight takes, in bytes.
struct WeightBytes {
  size_t owned = 0;     // allocated by the device
  size_t borrowed = 0;  // of the caller's data, used for as long as the weight lives
  size_t scratch = 0;   // on the device, shared by all weights: the largest counts
};

// How a frozen matrix is stored. A quantized weight stands for the matrix of its dequantized values, defined below for
// each WeightBlock W [rows, K] by itself; every op on the weight is the op on that matrix. bf16 GEMMs may or may not
// round the dequantized values to bf16. Activations stay f32 or bf16.
//   plain     unquantized, in the type that the GEMMs compute in
//   int8      LLM.int8 storage: code = round(w * (127 / m)) to nearest even, m = max |row|; value = code * (m / 127)
//   fp8       code = e4m3(w * (448 / m)) to nearest even, m = max |row|; value = code * (m / 448)
//   fp8_gemm  fp8, and the other operand of each GEMM is also rounded to e4m3, row by row, exactly as rows of W are:
//             x in linear; in linear_backward dy after its columns were multiplied by the scales of W's rows, so that
//             the sum runs over codes alone: dx = e4m3(dy * scales) codes. A row of x or dy with an element that is not
//             finite gives a row of results that are not finite
//   nf4       bitsandbytes NF4 with double quantization. The elements in row-major order, in blocks of 64: the code of
//             w is the entry of the NF4 table nearest to w * (1 / m), m = max |block|, the lower one in a tie; two
//             codes per byte, the first in the upper half. The maxima m are themselves quantized to 8 bits: in blocks
//             of 256, with o their mean over the whole matrix, as the entry of the dynamic map nearest to
//             (m - o) * (1 / M), M = max |m - o| of the block. value = table[code] * (map[code of m] * M + o)
enum class WeightFormat : uint8_t { plain, int8, nf4, fp8, fp8_gemm };

// The format in which the elements are stored.
constexpr WeightFormat stored_as(WeightFormat f) { return f == WeightFormat::fp8_gemm ? WeightFormat::fp8 : f; }

// A frozen matrix [N, K], in whatever layout the device multiplies fastest.
class Weight {
 public:
  virtual ~Weight() = default;
  int64_t n = 0;
  int64_t k = 0;
  WeightBytes bytes;  // borrowed data must outlive the weight
};

// Rows of a weight as a file has them: row-major [rows, K], in host memory. A weight may be stacked from several blocks
// (q, k and v; gate and up) so that one GEMM computes them all.
struct WeightBlock {
  const void* data;
  DType dtype;
  int64_t rows;
};

// The ops that a weight will be used for; the device prepares it for these only. use_copy: the data of the blocks will
// not outlive make_weight, so the device may not borrow them.
enum WeightUse : unsigned { use_forward = 1, use_backward = 2, use_gather = 4, use_decode = 8, use_copy = 16 };

}  // namespace vq
