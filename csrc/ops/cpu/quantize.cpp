#include "ops/cpu/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>

#include "ops/cpu/kernels.h"

namespace vq::cpu {
namespace {

int32_t magnitude_bits(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, 4);
  return bits & 0x7fffffff;
}

// To the nearest whole number, to even in a tie; |x| < 2^22.
float nearest(float x) { return (x + 12582912.0f) - 12582912.0f; }

// Bitsandbytes' dynamic map with signs: for e = 0 .. 6 the middles of 2^e steps from 0.1 to 1, times 10^(e - 6), of
// both signs; 0 and 1. The steps are rounded as torch.linspace rounds them: counted from the nearer end, one rounding
// each.
constexpr DynamicMap dynamic_map() {
  DynamicMap map{};
  constexpr float kPower[7] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1.0f};
  int next = 0;
  for (int e = 0; e < 7; e++) {
    const int steps = 1 << e, points = steps + 1;
    const float step = (1.0f - 0.1f) / static_cast<float>(steps);
    const auto point = [&](int i) {
      return i < points / 2 ? static_cast<float>(double{0.1f} + double{step} * i)
                            : static_cast<float>(1.0 - double{step} * (points - 1 - i));
    };
    for (int i = 0; i < steps; i++) {
      const float middle = kPower[e] * ((point(i) + point(i + 1)) / 2.0f);
      map.value[next++] = middle;
      map.value[next++] = -middle;
    }
  }
  map.value[next++] = 0.0f;
  map.value[next++] = 1.0f;
  std::sort(std::begin(map.value), std::end(map.value));
  return map;
}

// Half way between neighbors in a table: what is above belongs to the upper one.
template <size_t N>
constexpr std::array<float, N - 1> bounds_of(const float (&table)[N]) {
  std::array<float, N - 1> bounds{};
  for (size_t i = 0; i + 1 < N; i++) bounds[i] = (table[i] + table[i + 1]) / 2.0f;
  return bounds;
}
constexpr std::array<float, 15> kNf4Bounds = bounds_of(kNf4Table);
constexpr std::array<float, 255> kMapBounds = bounds_of(dynamic_map().value);

// What makes the largest magnitude m of a row the largest code; 0 for a row of nothing, or of so little that there is
// no such float: its codes are 0.
float to_fill(float most, float m) {
  const float scale = most / m;
  return scale <= 0x1p127f ? scale : 0.0f;
}

float within_one(float x) { return std::min(std::max(x, -1.0f), 1.0f); }

// A block shorter than the others is divided rather than multiplied, as bitsandbytes does.
float scaled(float x, float m, bool whole) {
  const float floor = std::max(m, 1e-38f);
  return within_one(whole ? x * (1.0f / floor) : x / floor);
}

}  // namespace

const DynamicMap kDynamicMap = dynamic_map();

float largest_magnitude(const float* x, int64_t n) {
  int32_t most = 0;
  for (int64_t i = 0; i < n; i++) most = std::max(most, magnitude_bits(x[i]));
  float m;
  std::memcpy(&m, &most, 4);
  return m;
}

void quantize_int8(uint8_t* codes, const float* x, int64_t n, float m) {
  const float scale = to_fill(127.0f, m);
  for (int64_t i = 0; i < n; i++)
    codes[i] = static_cast<uint8_t>(static_cast<int8_t>(static_cast<int32_t>(nearest(x[i] * scale))));
}

void quantize_e4m3(uint8_t* codes, const float* x, int64_t n, float m) {
  const float scale = to_fill(kLargestE4m3, m);
  for (int64_t i = 0; i < n; i++) {
    const float v = x[i] * scale;
    const int32_t bits = magnitude_bits(v);
    float magnitude;
    std::memcpy(&magnitude, &bits, 4);
    // From 2^-6 on the upper bits of the float, less the difference of the biases; below, multiples of 2^-9.
    const int32_t normal = ((bits + 0x7ffff + (bits >> 20 & 1)) >> 20) - (120 << 3);
    const int32_t small = static_cast<int32_t>(nearest(std::min(magnitude, 1.0f) * 512.0f));
    const int32_t code = std::min(magnitude < 0x1p-6f ? small : normal, 0x7e);
    codes[i] = static_cast<uint8_t>(code | (v < 0 ? 0x80 : 0));
  }
}

void quantize_nf4(uint8_t* codes, float* maxima, const float* x, int64_t n) {
  for (int64_t begin = 0; begin < n; begin += kNf4Block, x += kNf4Block) {
    const int64_t count = std::min(kNf4Block, n - begin);
    const bool whole = count == kNf4Block;
    const float m = largest_magnitude(x, count);
    *maxima++ = whole ? m : std::max(m, 1e-38f);
    int32_t code[kNf4Block + 1] = {};
    for (int64_t i = 0; i < count; i++) {
      const float v = scaled(x[i], m, whole);
      int32_t above = 0;
      for (float bound : kNf4Bounds) above += v > bound;
      code[i] = above;
    }
    // A missing partner is what bitsandbytes' padding with zeros becomes.
    if (count % 2) code[count] = 7;
    for (int64_t i = 0; i < count; i += 2) *codes++ = static_cast<uint8_t>(code[i] << 4 | code[i + 1]);
  }
}

float quantize_maxima(uint8_t* codes, float* scales, const float* maxima, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += maxima[i];
  const float mean = static_cast<float>(sum / static_cast<double>(n));
  for (int64_t begin = 0; begin < n; begin += kNf4ScaleBlock) {
    const int64_t count = std::min(kNf4ScaleBlock, n - begin);
    float off[kNf4ScaleBlock];
    for (int64_t i = 0; i < count; i++) off[i] = maxima[begin + i] - mean;
    const bool whole = count == kNf4ScaleBlock;
    const float m = largest_magnitude(off, count);
    *scales++ = whole ? m : std::max(m, 1e-38f);
    for (int64_t i = 0; i < count; i++) {
      const float v = scaled(off[i], m, whole);
      codes[begin + i] =
          static_cast<uint8_t>(std::lower_bound(kMapBounds.begin(), kMapBounds.end(), v) - kMapBounds.begin());
    }
  }
  return mean;
}

}  // namespace vq::cpu
