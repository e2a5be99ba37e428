// The CUDA runtime as the device uses it: GPUs, memory, streams, events. In tests without a GPU the runtime itself is
// simulated (tests/cuda_sim/include/cuda_runtime.h).
//
// Every function throws Error with the failed operation and the runtime's message.
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

struct Gpu {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  size_t shared_bytes = 0;  // available to a block
  size_t cache_bytes = 0;   // of L2
  size_t memory_total = 0;
  int driver = 0;  // newest CUDA version that the driver supports, 13000 for 13.0
};

// Throws Error if there is no driver, it is too old, or there is no such GPU.
Gpu find_gpu(int index);
// Makes this GPU current for the calling thread.
void use_gpu(int index);
size_t memory_available();

void* device_alloc(size_t bytes);  // throws NoMemory
void device_free(void* p) noexcept;
// Page-locked host memory; kernels can also access it, at bus speed. Throws NoMemory.
void* pinned_alloc(size_t bytes);
void pinned_free(void* p) noexcept;

Stream make_stream();
void destroy(Stream stream) noexcept;
void synchronize(Stream stream);

EventHandle make_event();
void destroy(EventHandle event) noexcept;
void record(EventHandle event, Stream stream);
bool is_done(EventHandle event);              // without waiting; true if it was never recorded
void wait_on_host(EventHandle event);         // returns at once if it was never recorded
void wait(Stream stream, EventHandle event);  // work queued from now on waits for the last recorded work

// Work that the calling thread queues on the stream between begin and end does not run but is captured as a graph: a
// single item to queue, with the arguments of the time of capture. Do not allocate, free or wait in between.
void begin_capture(Stream stream);
GraphHandle end_capture(Stream stream);  // also throws NoMemory; the capture has ended in any case
void replay(GraphHandle graph, Stream stream);
void destroy(GraphHandle graph) noexcept;

// Host memory must be pinned and must not change until the stream has reached this point. Both `to` and `from` can be
// pinned memory.
void copy_to_device(void* to, const void* pinned, size_t bytes, Stream stream);
void copy_to_host(void* pinned, const void* from, size_t bytes, Stream stream);
void fill_zero(void* p, size_t pitch, size_t width, size_t rows, Stream stream);

}  // namespace vq::cuda
