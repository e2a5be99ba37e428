// The memory that a process on Linux may use: the machine's, within the limits of its control groups.
#pragma once

#include <cstdint>
#include <string>

namespace vq::cpu {

struct HostMemory {
  uint64_t total;
  uint64_t available;  // what can be allocated now without swapping
};

// Reads /proc and the control groups below `root`, which is "" but in tests.
HostMemory host_memory(const std::string& root);

}  // namespace vq::cpu
