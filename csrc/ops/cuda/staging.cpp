#include "ops/cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace vq::cuda {

Staging::Staging(Stream stream) : stream_(stream) {
  for (Slot& s : slots_) {
    s.memory = static_cast<char*>(pinned_alloc(kSlotBytes));
    s.sent = make_event();
  }
}

Staging::~Staging() {
  for (Slot& s : slots_) {
    if (s.sent) destroy(s.sent);
    if (s.memory) pinned_free(s.memory);
  }
}

// A slot with room: the current one, or the next one once the GPU has read it.
Staging::Slot& Staging::next() {
  if (used_ == kSlotBytes) {
    turn_ = (turn_ + 1) % slots_.size();
    used_ = 0;
    wait_on_host(slots_[turn_].sent);
  }
  return slots_[turn_];
}

void Staging::upload(void* to, const void* host, size_t bytes) {
  constexpr size_t kAlign = 64;
  for (size_t done = 0; done < bytes;) {
    Slot& s = next();
    const size_t n = std::min(bytes - done, kSlotBytes - used_);
    std::memcpy(s.memory + used_, static_cast<const char*>(host) + done, n);
    copy_to_device(static_cast<char*>(to) + done, s.memory + used_, n, stream_);
    record(s.sent, stream_);
    used_ = std::min(kSlotBytes, (used_ + n + kAlign - 1) / kAlign * kAlign);
    done += n;
  }
}

void Staging::download(void* host, const void* from, size_t bytes) {
  if (bytes == 0) synchronize(stream_);
  for (size_t done = 0; done < bytes;) {
    // Uses a slot of its own, so that pending data in the current slot is unaffected.
    used_ = kSlotBytes;
    Slot& s = next();
    const size_t n = std::min(bytes - done, kSlotBytes);
    copy_to_host(s.memory, static_cast<const char*>(from) + done, n, stream_);
    synchronize(stream_);
    std::memcpy(static_cast<char*>(host) + done, s.memory, n);
    done += n;
  }
}

}  // namespace vq::cuda
