// How much arithmetic a micro-batch is.
#pragma once

#include <span>

#include "model/config.h"

namespace vq {

// Floating-point operations of the forward and backward pass, as Layers and Backward do them. Window i has tokens[i]
// rows, of which the last targets[i] are targets.
double training_flops(const Shape& shape, const AdapterLayout& adapter, std::span<const int64_t> tokens,
                      std::span<const int64_t> targets);

}  // namespace vq
