// The tables of WeightFormat::nf4, bitsandbytes' to the bit. No library headers and internal linkage: kernels of every
// instruction set include this (ops/cpu/kernels.h).
#pragma once

#include <cstdint>

namespace vq {

constexpr int64_t kNf4Block = 64;        // elements that share a maximum
constexpr int64_t kNf4ScaleBlock = 256;  // maxima that share a scale

// Values of the 16 codes of an element, ascending.
constexpr float kNf4Table[16] = {-1.0f,
                                 -0.6961928009986877f,
                                 -0.5250730514526367f,
                                 -0.39491748809814453f,
                                 -0.28444138169288635f,
                                 -0.18477343022823334f,
                                 -0.09105003625154495f,
                                 0.0f,
                                 0.07958029955625534f,
                                 0.16093020141124725f,
                                 0.24611230194568634f,
                                 0.33791524171829224f,
                                 0.44070982933044434f,
                                 0.5626170039176941f,
                                 0.7229568362236023f,
                                 1.0f};

struct DynamicMap {
  float value[256];  // ascending
};

// bitsandbytes' signed dynamic map: for e = 0 .. 6 the midpoints of 2^e steps from 0.1 to 1, times 10^(e - 6), with
// both signs; and 0 and 1. Steps are rounded as torch.linspace rounds them: counted from the nearer end, one rounding
// each.
static constexpr DynamicMap make_dynamic_map() {
  DynamicMap map{};
  constexpr float kPower[7] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1.0f};
  int count = 0;
  const auto insert = [&](float value) {
    int i = count++;
    for (; i > 0 && map.value[i - 1] > value; i--) map.value[i] = map.value[i - 1];
    map.value[i] = value;
  };
  for (int e = 0; e < 7; e++) {
    const int steps = 1 << e, points = steps + 1;
    const float step = (1.0f - 0.1f) / static_cast<float>(steps);
    const auto point = [&](int i) {
      return i < points / 2 ? static_cast<float>(double{0.1f} + double{step} * i)
                            : static_cast<float>(1.0 - double{step} * (points - 1 - i));
    };
    for (int i = 0; i < steps; i++) {
      const float middle = kPower[e] * ((point(i) + point(i + 1)) / 2.0f);
      insert(middle);
      insert(-middle);
    }
  }
  insert(0.0f);
  insert(1.0f);
  return map;
}

// Values of the 256 codes of a maximum.
constexpr DynamicMap kDynamicMap = make_dynamic_map();

}  // namespace vq
