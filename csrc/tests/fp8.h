// Rounding to e4m3 by its definition, for the tests of GEMMs with WeightFormat::fp8_gemm.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace vq::test {

// The nearest e4m3 number; ties go to the one whose last bit is 0.
inline double nearest_e4m3(double x) {
  double best = 0, distance = INFINITY;
  bool even = true;
  for (int code = 0; code < 127; code++) {
    const int exponent = code >> 3, fraction = code & 7;
    const double value = exponent ? std::ldexp(8 + fraction, exponent - 10) : std::ldexp(fraction, -9);
    const double d = std::fabs(value - std::fabs(x));
    if (d < distance || (d == distance && !even)) {
      best = value;
      distance = d;
      even = code % 2 == 0;
    }
  }
  return x < 0 ? -best : best;
}

// A row as the GEMMs see it: at(i) for i < n, times scale(i), each of the steps of ops.h rounded to f32.
inline std::vector<double> rounded_to_fp8(int64_t n, const std::function<double(int64_t)>& at,
                                          const std::function<float(int64_t)>& scale) {
  std::vector<float> values;
  float m = 0;
  for (int64_t i = 0; i < n; i++) {
    values.push_back(static_cast<float>(at(i)) * scale(i));
    m = std::max(m, std::fabs(values.back()));
  }
  std::vector<double> result;
  for (float v : values) result.push_back(m == 0 ? 0 : nearest_e4m3(v * (448.0f / m)) * (m / 448.0f));
  return result;
}

}  // namespace vq::test
