// Numbers as weight files store them: exact conversions to f32.
#pragma once

#include <bit>
#include <cstring>

#include "ops/tensor.h"

namespace vq {

inline float float_of_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

inline float float_of_f16(uint16_t bits) {
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fff) << 13;
  // Multiplying rebiases the exponent, of subnormals too.
  const float value = magnitude >= 0x7c00u << 13 ? std::bit_cast<float>(magnitude | 0x7f800000)
                                                 : std::bit_cast<float>(magnitude) * 0x1p112f;
  return bits & 0x8000 ? -value : value;
}

// Element i of an array, which need not be aligned.
inline float element(const void* data, DType dtype, int64_t i) {
  if (dtype == DType::f32) {
    float x;
    std::memcpy(&x, static_cast<const char*>(data) + 4 * i, sizeof x);
    return x;
  }
  uint16_t bits;
  std::memcpy(&bits, static_cast<const char*>(data) + 2 * i, sizeof bits);
  return dtype == DType::bf16 ? float_of_bf16(bits) : float_of_f16(bits);
}

}  // namespace vq
