// Arrays that kernels under tests/cuda_sim may reach, for tests of single instructions.
#pragma once

#include <random>
#include <vector>

#include "ops/cuda/cuda.h"

namespace vq::test {

template <class T>
struct Array {
  explicit Array(size_t n) : values(n) { cuda_sim::add_global(values.data(), n * sizeof(T)); }
  ~Array() { cuda_sim::remove_global(values.data()); }
  cuda::Global<T> device() { return cuda::Global<T>(values.data()); }
  std::vector<T> values;
};

// Normal numbers, the same for the same seed; what they are as floats.
inline std::vector<float> fill(Array<cuda::bf16>& to, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> as_float;
  for (cuda::bf16& x : to.values) as_float.push_back(cuda::to_float(x = __float2bfloat16_rn(normal(generator))));
  return as_float;
}

}  // namespace vq::test
