// Finds NaN and infinities in weights when they are loaded: later they would show as a loss that is not finite.
#pragma once

#include <cstdint>

#include "ops/pool.h"
#include "ops/tensor.h"

namespace vq {

// The index of the first element that is NaN or infinite, or -1. data: host memory, aligned to its elements. Bound by
// reading it once.
int64_t first_not_finite(const void* data, DType dtype, int64_t n, Pool& threads);

}  // namespace vq
