// Detects the processor's features and selects the kernels for them.
#pragma once

#include <string>
#include <vector>

#include "ops/cpu/kernels.h"

namespace vq::cpu {

std::string processor_name();

// The fastest kernels that this processor and its system can run and that pass a quick check against plain arithmetic.
// The environment variable VQ_CPU caps the choice: generic, avx2, avx512, avx512-bf16 or amx. Throws Error for any
// other value.
const IsaKernels& choose_kernels();

// All kernels of this build, slowest first.
std::vector<const IsaKernels*> all_kernels();

// Whether the processor and the system can run them.
bool can_run(const IsaKernels& kernels);

// Compares the GEMMs of both types with plain arithmetic on a small case.
bool self_check(const IsaKernels& kernels);

}  // namespace vq::cpu
