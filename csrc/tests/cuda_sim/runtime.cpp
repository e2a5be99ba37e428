#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <string>

#include "ops/tensor.h"
#include "tests/cuda_sim/block.h"
#include "tests/cuda_sim/memory.h"
#include "tests/cuda_sim/stream.h"

namespace {

using cuda_sim::Access;
using cuda_sim::Region;

constexpr size_t kMemory = size_t{4} << 30;  // of the GPU
constexpr size_t kAlign = 256;               // of what cudaMalloc returns

std::mutex mutex;
std::map<void*, size_t> allocations;
size_t taken = 0;
bool gpu_failed = false, pinned_fails = false, captures_fail = false, hangs = false;
thread_local cudaError_t last = cudaSuccess;

auto* real(cudaStream_t s) { return reinterpret_cast<cuda_sim::Stream*>(s); }
auto* real(cudaEvent_t e) { return reinterpret_cast<cuda_sim::Event*>(e); }
auto* real(cudaGraph_t g) { return reinterpret_cast<cuda_sim::Graph*>(g); }
auto* real(cudaGraphExec_t g) { return reinterpret_cast<cuda_sim::Graph*>(g); }

cudaError_t failed_with(cudaError_t code) {
  if (code != cudaSuccess) last = code;
  return code;
}

// Calls a function of the simulator, which throws Error where CUDA returns `code`. Faults of kernels are thrown on.
template <class Call>
cudaError_t result_of(cudaError_t code, Call&& call) {
  try {
    call();
    return cudaSuccess;
  } catch (const vq::NoMemory&) {
    return failed_with(cudaErrorMemoryAllocation);
  } catch (const vq::Error& e) {
    std::fprintf(stderr, "cuda_sim: %s\n", e.what());
    return failed_with(code);
  }
}

// What a capture of this thread does not allow.
cudaError_t refused_in_capture(const char* call) {
  return result_of(cudaErrorStreamCaptureUnsupported, [&] { cuda_sim::not_in_capture(call); });
}

// Finds the memory; it must be device memory or page-locked when the work is queued.
const Region* region_of(const void* p, const char* what) {
  const Region* r = cuda_sim::find_global(p);
  if (r) return r;
  cuda_sim::not_in_capture(what);
  throw vq::Error(std::string(what) + ": memory that is neither the device's nor page-locked");
}

// Functions that free memory wait for all work first and cannot report faults of kernels: the next wait reports them.
void wait_for_all(const char* call) {
  try {
    cuda_sim::not_in_capture(call);
    cuda_sim::synchronize_all();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", call, e.what());
  }
}

}  // namespace

const char* cudaGetErrorName(cudaError_t code) {
  switch (code) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated:
      return "cudaErrorStreamCaptureInvalidated";
  }
  return "unknown";
}
const char* cudaGetErrorString(cudaError_t code) { return cudaGetErrorName(code); }
cudaError_t cudaGetLastError() {
  if (gpu_failed) return cudaErrorIllegalAddress;  // stays until the process ends
  const cudaError_t code = last;
  last = cudaSuccess;
  return code;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "CUDA on the CPU");
  properties->major = 8;
  properties->multiProcessorCount = 4;
  properties->l2CacheSize = 1 << 20;
  properties->sharedMemPerBlockOptin = size_t{163} << 10;
  properties->totalGlobalMem = kMemory;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }

cudaError_t cudaMemGetInfo(size_t* available, size_t* total) {
  *available = kMemory - taken;
  *total = kMemory;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** p, size_t bytes) {
  if (const cudaError_t code = refused_in_capture("cudaMalloc"); code != cudaSuccess) return code;
  std::lock_guard lock(mutex);
  if (bytes > kMemory - taken) return failed_with(cudaErrorMemoryAllocation);
  *p = ::operator new (bytes, std::align_val_t{kAlign});
  std::memset(*p, 0xff, bytes);
  cuda_sim::add_global(*p, bytes);
  allocations[*p] = bytes;
  taken += bytes;
  return cudaSuccess;
}
cudaError_t cudaFree(void* p) {
  if (!p) return cudaSuccess;
  wait_for_all("cudaFree");
  std::lock_guard lock(mutex);
  taken -= allocations[p];
  allocations.erase(p);
  cuda_sim::remove_global(p);
  ::operator delete (p, std::align_val_t{kAlign});
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** p, size_t bytes) {
  if (const cudaError_t code = refused_in_capture("cudaMallocHost"); code != cudaSuccess) return code;
  if (pinned_fails) return failed_with(cudaErrorMemoryAllocation);
  *p = ::operator new (bytes, std::align_val_t{kAlign});
  cuda_sim::add_global(*p, bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* p) {
  wait_for_all("cudaFreeHost");
  cuda_sim::remove_global(p);
  ::operator delete (p, std::align_val_t{kAlign});
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = reinterpret_cast<cudaStream_t>(cuda_sim::make_stream());
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  cuda_sim::destroy(real(stream));
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const cudaError_t code = result_of(cudaErrorStreamCaptureUnsupported, [&] { cuda_sim::synchronize(real(stream)); });
  return gpu_failed ? cudaErrorIllegalAddress : code;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return result_of(cudaErrorInvalidValue, [&] { cuda_sim::wait(real(stream), real(event)); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = reinterpret_cast<cudaEvent_t>(cuda_sim::make_event());
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  cuda_sim::destroy(real(event));
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return result_of(cudaErrorInvalidValue, [&] { cuda_sim::record(real(event), real(stream)); });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return result_of(cudaErrorStreamCaptureUnsupported, [&] { cuda_sim::wait_on_host(real(event)); });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (hangs) return cudaErrorNotReady;
  return cudaEventSynchronize(event);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (captures_fail) return failed_with(cudaErrorStreamCaptureUnsupported);
  return result_of(cudaErrorInvalidValue, [&] { cuda_sim::begin_capture(real(stream)); });
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return result_of(cudaErrorStreamCaptureInvalidated, [&] {
    *graph = reinterpret_cast<cudaGraph_t>(cuda_sim::end_capture(real(stream)));
    if (!*graph) throw vq::Error("cudaStreamEndCapture: a call during the capture was refused");
  });
}
// The executable graph is the graph itself.
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return result_of(cudaErrorInvalidValue,
                   [&] { *executable = reinterpret_cast<cudaGraphExec_t>(cuda_sim::instantiate(real(graph))); });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  cuda_sim::destroy(real(graph));
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return result_of(cudaErrorInvalidValue, [&] { cuda_sim::launch(real(executable), real(stream)); });
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  cuda_sim::destroy(real(executable));
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  return result_of(cudaErrorInvalidValue, [&] {
    const Region *target = region_of(to, "a copy"), *source = region_of(from, "a copy");
    cuda_sim::enqueue(real(stream), [=] {
      const bool reads = source->allows_whole(from, bytes, Access::read);
      if (target->allows_whole(to, bytes, Access::write) && reads) std::memcpy(to, from, bytes);
      cuda_sim::throw_faults("a copy");
    });
  });
}
cudaError_t cudaMemsetAsync(void* p, int value, size_t bytes, cudaStream_t stream) {
  return cudaMemset2DAsync(p, bytes, value, bytes, 1, stream);
}
cudaError_t cudaMemset2DAsync(void* p, size_t pitch, int value, size_t width, size_t rows, cudaStream_t stream) {
  if (width == 0 || rows == 0) return cudaSuccess;
  return result_of(cudaErrorInvalidValue, [&] {
    const Region* region = region_of(p, "clearing");
    cuda_sim::enqueue(real(stream), [=] {
      if (region->allows_whole(p, (rows - 1) * pitch + width, Access::write)) {
        for (size_t r = 0; r < rows; r++) std::memset(static_cast<char*>(p) + r * pitch, value, width);
      }
      cuda_sim::throw_faults("clearing memory");
    });
  });
}

void cuda_sim::fail_card(bool now) { gpu_failed = now; }
void cuda_sim::fail_pinned(bool yes) { pinned_fails = yes; }
void cuda_sim::fail_captures(bool yes) { captures_fail = yes; }
void cuda_sim::hang(bool yes) { hangs = yes; }
