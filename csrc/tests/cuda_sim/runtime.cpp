// ops/cuda/runtime.h on the CPU, for tests. Streams, events and graphs are in stream.h.
//
// Device memory is not zeroed: it starts as NaN. Host memory must be page-locked to be copied.
#include "ops/cuda/runtime.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "ops/tensor.h"
#include "tests/cuda_sim/block.h"
#include "tests/cuda_sim/memory.h"
#include "tests/cuda_sim/stream.h"

namespace vq::cuda {
namespace {

constexpr size_t kMemory = size_t{4} << 30;  // of the GPU
constexpr size_t kAlign = 256;               // of what cudaMalloc returns

std::mutex mutex;
std::map<void*, size_t> allocations;
size_t taken = 0;
bool failed = false;

auto* real(Stream s) { return reinterpret_cast<cuda_sim::Stream*>(s); }
auto* real(EventHandle e) { return reinterpret_cast<cuda_sim::Event*>(e); }
auto* real(GraphHandle g) { return reinterpret_cast<cuda_sim::Graph*>(g); }

using cuda_sim::Access;
using cuda_sim::Region;

// Finds the memory; it must be device memory or page-locked when the work is queued.
const Region* region_of(const void* p, const char* what) {
  const Region* r = cuda_sim::find_global(p);
  if (r) return r;
  cuda_sim::not_in_capture(what);
  throw Error(std::string(what) + ": memory that is neither the device's nor page-locked");
}

void queue_copy(void* to, const void* from, size_t bytes, Stream stream) {
  if (bytes == 0) return;
  const Region *target = region_of(to, "a copy"), *source = region_of(from, "a copy");
  cuda_sim::enqueue(real(stream), [=] {
    const bool reads = source->allows_whole(from, bytes, Access::read);
    if (target->allows_whole(to, bytes, Access::write) && reads) std::memcpy(to, from, bytes);
    cuda_sim::throw_faults("a copy");
  });
}

// Functions that free memory wait for all work first and cannot report errors: the next wait reports them.
void wait_for_all(const char* call) noexcept {
  try {
    cuda_sim::not_in_capture(call);
    cuda_sim::synchronize_all();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", call, e.what());
  }
}

}  // namespace

Gpu find_gpu(int index) {
  if (index != 0) throw Error("there is no GPU " + std::to_string(index) + ": this machine has 1, counted from 0");
  return {"CUDA on the CPU", 8, 0, 4, size_t{163} << 10, kMemory, 0};
}

void use_gpu(int) {}
size_t memory_available() { return kMemory - taken; }

void* device_alloc(size_t bytes) {
  cuda_sim::not_in_capture("cudaMalloc");
  std::lock_guard lock(mutex);
  if (bytes > kMemory - taken) {
    throw NoMemory("the GPU has no room for another " + std::to_string(bytes >> 20) +
                   " MiB: " + std::to_string((kMemory - taken) >> 20) + " MiB are free");
  }
  void* p = ::operator new (bytes, std::align_val_t{kAlign});
  std::memset(p, 0xff, bytes);
  cuda_sim::add_global(p, bytes);
  allocations[p] = bytes;
  taken += bytes;
  return p;
}

void device_free(void* p) noexcept {
  if (!p) return;
  wait_for_all("cudaFree");
  std::lock_guard lock(mutex);
  taken -= allocations[p];
  allocations.erase(p);
  cuda_sim::remove_global(p);
  ::operator delete (p, std::align_val_t{kAlign});
}

void* pinned_alloc(size_t bytes) {
  cuda_sim::not_in_capture("cudaMallocHost");
  void* p = ::operator new (bytes, std::align_val_t{kAlign});
  cuda_sim::add_global(p, bytes);
  return p;
}
void pinned_free(void* p) noexcept {
  wait_for_all("cudaFreeHost");
  cuda_sim::remove_global(p);
  ::operator delete (p, std::align_val_t{kAlign});
}

Stream make_stream() { return reinterpret_cast<Stream>(cuda_sim::make_stream()); }
void destroy(Stream s) noexcept { cuda_sim::destroy(real(s)); }
void synchronize(Stream s) {
  cuda_sim::synchronize(real(s));
  if (failed) throw Error("the GPU failed: an illegal memory access was encountered");
}
EventHandle make_event() { return reinterpret_cast<EventHandle>(cuda_sim::make_event()); }
void destroy(EventHandle e) noexcept { cuda_sim::destroy(real(e)); }
void record(EventHandle e, Stream s) { cuda_sim::record(real(e), real(s)); }
void wait_on_host(EventHandle e) { cuda_sim::wait_on_host(real(e)); }
void wait(Stream s, EventHandle e) { cuda_sim::wait(real(s), real(e)); }

void begin_capture(Stream s) { cuda_sim::begin_capture(real(s)); }
GraphHandle end_capture(Stream s) {
  cuda_sim::Graph* g = cuda_sim::end_capture(real(s));
  if (!g) throw Error("cudaStreamEndCapture: operation failed due to a previous error during capture");
  return reinterpret_cast<GraphHandle>(g);
}
void replay(GraphHandle g, Stream s) { cuda_sim::launch(real(g), real(s)); }
void destroy(GraphHandle g) noexcept { cuda_sim::destroy(real(g)); }

void copy_to_device(void* to, const void* pinned, size_t bytes, Stream stream) {
  queue_copy(to, pinned, bytes, stream);
}
void copy_to_host(void* pinned, const void* from, size_t bytes, Stream stream) {
  queue_copy(pinned, from, bytes, stream);
}
void fill_zero(void* p, size_t pitch, size_t width, size_t rows, Stream stream) {
  if (width == 0 || rows == 0) return;
  const Region* region = region_of(p, "clearing");
  cuda_sim::enqueue(real(stream), [=] {
    if (region->allows_whole(p, (rows - 1) * pitch + width, Access::write)) {
      for (size_t r = 0; r < rows; r++) std::memset(static_cast<char*>(p) + r * pitch, 0, width);
    }
    cuda_sim::throw_faults("clearing memory");
  });
}

}  // namespace vq::cuda

void cuda_sim::fail_card(bool now) { vq::cuda::failed = now; }
