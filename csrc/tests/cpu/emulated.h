// Kernels of instruction sets that this processor may lack: see emulated.cpp.
#pragma once

#include <span>

#include "ops/cpu/kernels.h"

namespace vq::test {

std::span<const cpu::IsaKernels> emulated_kernels();

}  // namespace vq::test
