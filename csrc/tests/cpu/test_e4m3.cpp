// ops/e4m3.h compared with the definition of the format, in double precision arithmetic.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "ops/cpu/quantized.h"
#include "ops/quantize.h"
#include "tests/support.h"

namespace vq::test {
namespace {

// The nearest multiple of the spacing of e4m3 numbers of x's magnitude, ties to even, at most 448.
double rounded(double x) {
  const int exponent = std::max(x == 0 ? -6 : std::ilogb(x), -6);
  const double nearest = std::ldexp(std::nearbyint(std::ldexp(std::fabs(x), 3 - exponent)), exponent - 3);
  return std::copysign(std::min(nearest, 448.0), x);
}

void expect_rounded(float x) {
  const uint32_t code = e4m3_code(x);
  const double want = rounded(x), got = e4m3_value(code);
  ASSERT_LT(code, 256u);
  ASSERT_NE(code & 0x7f, 0x7fu) << x;
  ASSERT_EQ(got, want) << x << " code " << code;
  ASSERT_EQ(std::signbit(got), std::signbit(x)) << x;
}

// Every exponent, normal and subnormal, with fractions on, just below and just above the numbers of e4m3 and the
// midpoints between them.
TEST(E4m3, RoundsEveryExponentAsDefined) {
  for (uint32_t exponent = 0; exponent < 255; exponent++)
    for (uint32_t upper = 0; upper < 256; upper++)
      for (uint32_t lower : {0u, 1u, 0x3fffu, 0x4000u, 0x7fffu})
        for (uint32_t sign : {0u, 1u}) {
          expect_rounded(std::bit_cast<float>(sign << 31 | exponent << 23 | upper << 15 | lower));
          if (HasFatalFailure()) return;
        }
}

TEST(E4m3, EveryCodeStaysItself) {
  for (uint32_t code = 0; code < 256; code++) {
    if ((code & 0x7f) == 0x7f) continue;
    EXPECT_EQ(e4m3_code(e4m3_value(code)), code);
    EXPECT_EQ(rounded(e4m3_value(code)), e4m3_value(code)) << code;
  }
}

TEST(E4m3, TiesGoToTheEvenCode) {
  for (uint32_t code = 0; code < 0x7e; code++) {
    const float tie = (e4m3_value(code) + e4m3_value(code + 1)) / 2;
    const uint32_t even = code + code % 2;
    EXPECT_EQ(e4m3_code(tie), even) << tie;
    EXPECT_EQ(e4m3_code(-tie), even | 0x80) << tie;
    EXPECT_EQ(e4m3_code(std::nextafter(tie, 0.0f)), code) << tie;
    EXPECT_EQ(e4m3_code(std::nextafter(tie, 1e9f)), code + 1) << tie;
  }
}

TEST(E4m3, SaturatesAndKeepsNaN) {
  for (float large : {448.0f, 449.0f, 464.0f, 480.0f, 1e38f, INFINITY}) {
    EXPECT_EQ(e4m3_code(large), 0x7eu) << large;
    EXPECT_EQ(e4m3_code(-large), 0xfeu) << large;
  }
  for (uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xffffffffu})
    EXPECT_EQ(e4m3_code(std::bit_cast<float>(bits)), 0x7fu) << bits;
}

// A row so small that 448 / m is not a float has codes of zero, whatever its signs.
TEST(E4m3, RowsBelowEveryScaleAreZero) {
  const float row[] = {1e-40f, -1e-40f, 0.0f, -0.0f, -1e-44f};
  uint8_t codes[5] = {1, 1, 1, 1, 1};
  quantize_e4m3(codes, row, 5, largest_magnitude(row, 5));
  for (uint8_t code : codes) EXPECT_EQ(code, 0);
}

TEST(E4m3, FillScaleMapsTheLargestToTheLargestCode) {
  for (float m = 1e-30f; m < 1e38f; m *= 1.7f) EXPECT_EQ(e4m3_code(m * fill_scale(kLargestE4m3, m)), 0x7eu) << m;
  for (float m : {0.0f, 1e-40f, INFINITY, NAN}) EXPECT_EQ(fill_scale(kLargestE4m3, m), 0.0f) << m;
}

class E4m3Kernels : public OnEachKernel {};

// Each instruction set has a conversion of its own from codes to floats.
TEST_P(E4m3Kernels, DequantizesEveryCode) {
  const auto device = open(1, 1, 254, 254);
  Matrix values(1, 254);
  for (int64_t i = 0; i < 254; i++) values.set(0, i, e4m3_value(static_cast<uint32_t>(i < 127 ? i : i + 1)));
  const WeightBlock block{values.tensor().data, DType::f32, 1};
  const std::unique_ptr<Weight> w(device->make_weight({&block, 1}, 254, DType::f32, use_forward, WeightFormat::fp8));
  const cpu::QuantView& view = static_cast<const cpu::CpuWeight&>(*w).quantized[0].view();
  ASSERT_EQ(view.scales[0], 1.0f);
  float got[254];
  view.kernels->dequantize({got, cpu::Elem::f32}, view, 0, 0, 254, false);
  for (int64_t i = 0; i < 254; i++) {
    EXPECT_EQ(view.codes[i], i < 127 ? i : i + 1);
    EXPECT_EQ(got[i], values.get(0, i)) << i;
  }
}

VQ_ON_EACH_KERNEL(E4m3Kernels);

}  // namespace
}  // namespace vq::test
