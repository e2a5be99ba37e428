// The CUDA runtime as the device uses it: cards, memory, streams, events. runtime.cpp has it; the tests have another on
// the CPU (tests/cuda_sim/runtime.cpp).
//
// Every function throws Error with what was tried and what the runtime says of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "ops/cuda/stream.h"

struct CUevent_st;
struct CUgraphExec_st;

namespace vq::cuda {

using EventHandle = CUevent_st*;
using GraphHandle = CUgraphExec_st*;

struct Card {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  size_t shared_bytes = 0;  // that a block may ask for
  size_t memory_total = 0;
  int driver = 0;  // newest CUDA that the driver offers, 13000 for 13.0
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

EventHandle make_event();
void destroy(EventHandle event) noexcept;
void record(EventHandle event, Stream stream);
void wait_on_host(EventHandle event);         // at once when it was never recorded
void wait(Stream stream, EventHandle event);  // what is queued from now on waits for what was recorded last

// What the calling thread queues on the stream from begin to end is not done but made a graph: one thing to queue, with
// the arguments as they were. Nothing may be allocated, freed or waited for in between.
void begin_capture(Stream stream);
GraphHandle end_capture(Stream stream);  // throws NoMemory too; the capture is over in any case
void replay(GraphHandle graph, Stream stream);
void destroy(GraphHandle graph) noexcept;

// Host memory must be pinned, and must not change until the stream has come this far. `to` and `from` may be pinned
// too.
void copy_to_device(void* to, const void* pinned, size_t bytes, Stream stream);
void copy_to_host(void* pinned, const void* from, size_t bytes, Stream stream);
void fill_zero(void* p, size_t pitch, size_t width, size_t rows, Stream stream);

}  // namespace vq::cuda
