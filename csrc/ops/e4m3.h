// The fp8 format e4m3 (OCP's E4M3, torch.float8_e4m3fn): sign, 4 exponent bits with a bias of 7, 3 fraction bits. No
// infinity; 0x7f and 0xff are NaN; the largest number is 448, the smallest 2^-9.
//
// Every device makes these codes, whether by this code or by an instruction of its own, for weights (WeightFormat::fp8)
// and for the GEMM operands of WeightFormat::fp8_gemm.
#pragma once

#include <cstdint>

#include "ops/anywhere.h"

namespace vq {

constexpr float kLargestE4m3 = 448.0f;

// The code nearest to x, ties to even. Saturates: infinities and numbers beyond 448 become 448 with their sign. The
// sign of zero stays. NaN becomes 0x7f. Same as cvt.rn.satfinite.e4m3x2.f32 of PTX.
VQ_ANYWHERE uint32_t e4m3_code(float x) {
  const int32_t word = __builtin_bit_cast(int32_t, x), bits = word & 0x7fffffff;
  const float magnitude = __builtin_bit_cast(float, bits);
  // From 2^-6 up: the upper bits of the float, minus the difference of the biases. NaN counts as infinity here, since
  // rounding its bits could overflow.
  const int32_t number = bits < 0x7f800000 ? bits : 0x7f800000;
  const int32_t normal = ((number + 0x7ffff + (number >> 20 & 1)) >> 20) - (120 << 3);
  // Below: multiples of 2^-9. Adding 1.5 * 2^23 rounds to an integer, which is then in the lower bits.
  const bool tiny = magnitude < 0x1p-6f;
  const float steps = (tiny ? magnitude : 0.0f) * 512.0f + 12582912.0f;
  const int32_t unsaturated = tiny ? __builtin_bit_cast(int32_t, steps) & 15 : normal;
  const int32_t code = (unsaturated < 0x7e ? unsaturated : 0x7e) | (word >> 24 & 0x80);
  return static_cast<uint32_t>(bits > 0x7f800000 ? 0x7f : code);
}

// The number of a code; not for NaN, which e4m3_code makes of NaN only.
VQ_ANYWHERE float e4m3_value(uint32_t code) {
  // Shifted into the position of a float, the exponent is 120 too small.
  const float magnitude = __builtin_bit_cast(float, (code & 0x7f) << 20) * 0x1p120f;
  return code & 0x80 ? -magnitude : magnitude;
}

// The larger of two magnitudes; NaN is larger than everything.
VQ_ANYWHERE float larger(float a, float b) { return a <= b || b != b ? b : a; }

// The factor that maps the largest magnitude m of a row to the largest code `most` (int8: 127, e4m3: 448). 0, which
// makes all codes zero, for a row so small that no float is such a factor, and for a row that is not finite.
VQ_ANYWHERE float fill_scale(float most, float m) {
  const float scale = most / m;
  return scale <= 0x1p127f ? scale : 0.0f;
}

}  // namespace vq
