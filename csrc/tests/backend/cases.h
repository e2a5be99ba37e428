// Shapes for the tests of element-wise ops and norms: 1, odd, multiples and non-multiples of the 8 elements that
// kernels move at once, longer than a block; strided views.
#pragma once

#include "tests/backend/device_pair.h"

namespace vq::test {

constexpr DType kTypes[] = {DType::f32, DType::bf16};

struct Size {
  int64_t rows, cols, pad;
};
constexpr Size kSizes[] = {{1, 1, 0}, {1, 8, 8}, {3, 7, 1}, {2, 33, 0}, {5, 64, 16}, {2, 264, 3}, {1, 4104, 0}};

inline std::string name_of(const Size& s) {
  return std::to_string(s.rows) + "x" + std::to_string(s.cols) + "+" + std::to_string(s.pad);
}

// Calls body(size, types, name) for every size and all type combinations of two operands.
template <class Body>
void each_case(Body body) {
  for (const Size& s : kSizes)
    for (DType a : kTypes)
      for (DType b : kTypes) body(s, a, b, name_of(s) + name_of(a) + name_of(b));
}

}  // namespace vq::test
