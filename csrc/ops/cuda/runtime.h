// The CUDA runtime as the device uses it: cards, memory, streams, events. runtime.cpp has it; the tests have another on
// the CPU (tests/cuda_on_cpu/runtime.cpp).
//
// Every function throws Error with what was tried and what the runtime says of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "ops/cuda/stream.h"

struct CUevent_st;

namespace vq::cuda {

using Event = CUevent_st*;

struct Card {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  size_t shared_bytes = 0;  // that a block may ask for
  size_t memory_total = 0;
};

// Throws Error when there is no driver, it is too old, or there is no such card.
Card find_card(int index);
// Work of the calling thread goes to this card.
void use_card(int index);
size_t memory_available();

void* device_alloc(size_t bytes);  // throws NoMemory
void device_free(void* p) noexcept;
// Of the host, page-locked; kernels may read and write it too, at the speed of the bus.
void* pinned_alloc(size_t bytes);
void pinned_free(void* p) noexcept;

Stream make_stream();
void destroy(Stream stream) noexcept;
void synchronize(Stream stream);

Event make_event();
void destroy(Event event) noexcept;
void record(Event event, Stream stream);
void wait_on_host(Event event);  // at once when it was never recorded

// Host memory must be pinned, and stay as it is until the stream has come this far. `to` and `from` may be pinned too.
void copy_to_device(void* to, const void* pinned, size_t bytes, Stream stream);
void copy_to_host(void* pinned, const void* from, size_t bytes, Stream stream);
void fill_zero(void* p, size_t pitch, size_t width, size_t rows, Stream stream);

}  // namespace vq::cuda
