// cp.async of one thread: pending copies, in groups. Here a copy completes when the thread waits for it, the latest
// moment that the hardware allows.
#pragma once

#include <cstdint>

#include "tests/cuda_sim/groups.h"

namespace cuda_sim {

class Region;

struct AsyncCopy {
  unsigned char* to;
  const Region* region;  // that contains `to`
  uint32_t bytes;
  const void* from;  // null: zeros
};

using AsyncCopies = Groups<AsyncCopy>;

}  // namespace cuda_sim
