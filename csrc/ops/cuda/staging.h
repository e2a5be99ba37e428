// Pinned memory for all transfers to and from the GPU. The caller's memory can be reused at once, and the host waits
// for the GPU only when all slots are in use.
#pragma once

#include <array>
#include <cstddef>

#include "ops/cuda/runtime.h"

namespace vq::cuda {

class Staging {
 public:
  explicit Staging(Stream stream);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  void upload(void* to, const void* host, size_t bytes);
  void download(void* host, const void* from, size_t bytes);  // waits for the stream

 private:
  static constexpr size_t kSlotBytes = size_t{4} << 20;
  struct Slot {
    char* memory = nullptr;
    EventHandle sent = nullptr;
  };
  Slot& next();

  Stream stream_;
  std::array<Slot, 4> slots_;
  size_t turn_ = 0;
  size_t used_ = 0;  // bytes of the current slot
};

}  // namespace vq::cuda
