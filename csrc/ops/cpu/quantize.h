// From floats to the codes of ops.h's WeightFormat. The arithmetic is spelled out step by step, each step rounded to
// float: this file is compiled without contraction and without vector extensions beyond the common ones, so that every
// machine stores the same bytes.
#pragma once

#include <cstdint>

namespace vq::cpu {

constexpr int64_t kNf4Block = 64, kNf4ScaleBlock = 256;
constexpr float kLargestE4m3 = 448.0f;

// The largest magnitude of n floats; infinity or NaN when one of them is not finite.
float largest_magnitude(const float* x, int64_t n);
// Of two such; NaN is larger than all.
inline float larger(float a, float b) { return a <= b || b != b ? b : a; }

// codes[i] of x[i], with m the largest magnitude of the row.
void quantize_int8(uint8_t* codes, const float* x, int64_t n, float m);
void quantize_e4m3(uint8_t* codes, const float* x, int64_t n, float m);
// n elements, the first at the beginning of a block; two codes a byte, the last lower half zero when n is odd.
// maxima: of each block.
void quantize_nf4(uint8_t* codes, float* maxima, const float* x, int64_t n);
// The maxima of all blocks of a matrix in 8 bits; scales: of each 256. Returns their mean.
float quantize_maxima(uint8_t* codes, float* scales, const float* maxima, int64_t n);

}  // namespace vq::cpu
