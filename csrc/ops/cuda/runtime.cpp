#include "ops/cuda/runtime.h"

#include <cuda_runtime.h>

#include "ops/cuda/runtime_check.h"

namespace vq::cuda {
namespace {

std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

}  // namespace

Gpu find_gpu(int index) {
  int driver = 0, built = 0, count = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&built);
  if (driver == 0) {
    throw Error(
        "there is no NVIDIA driver: libcuda.so.1 is missing or does not load: install the driver (nvidia-smi shows its "
        "version)");
  }
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found == cudaErrorInsufficientDriver || driver / 1000 < built / 1000) {
    throw Error("the NVIDIA driver is too old: it offers CUDA " + version(driver) + ", and this build needs " +
                version(built / 1000 * 1000) + " or newer: update the driver");
  }
  if (found == cudaErrorNoDevice || (found == cudaSuccess && count == 0))
    throw Error("the driver finds no NVIDIA GPU (nvidia-smi lists them)");
  check(found, "cannot list the GPUs");
  if (index < 0 || index >= count) {
    throw Error("there is no GPU " + std::to_string(index) + ": this machine has " + std::to_string(count) +
                ", counted from 0");
  }
  cudaDeviceProp p;
  check(cudaGetDeviceProperties(&p, index), "cannot read the properties of the GPU");
  Gpu gpu;
  gpu.name = p.name;
  gpu.major = p.major;
  gpu.minor = p.minor;
  gpu.multiprocessors = p.multiProcessorCount;
  gpu.cache_bytes = static_cast<size_t>(p.l2CacheSize);
  gpu.shared_bytes = p.sharedMemPerBlockOptin;
  gpu.memory_total = p.totalGlobalMem;
  gpu.driver = driver;
  return gpu;
}

void use_gpu(int index) {
  thread_local int used = -1;
  if (used == index) return;
  check(cudaSetDevice(index), "cannot open the GPU");
  used = index;
}

size_t memory_available() {
  size_t available = 0, total = 0;
  check(cudaMemGetInfo(&available, &total), "cannot read the free memory of the GPU");
  return available;
}

void* device_alloc(size_t bytes) {
  void* p = nullptr;
  const cudaError_t code = cudaMalloc(&p, bytes);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears the error; the GPU is still usable
    throw NoMemory("the GPU has no room for another " + std::to_string(bytes >> 20) +
                   " MiB: " + std::to_string(memory_available() >> 20) + " MiB are free");
  }
  check(code, "cannot allocate GPU memory");
  return p;
}

void device_free(void* p) noexcept { cudaFree(p); }

void* pinned_alloc(size_t bytes) {
  void* p = nullptr;
  const cudaError_t code = cudaMallocHost(&p, bytes);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears the error; the GPU is still usable
    throw NoMemory("the system does not page-lock another " + std::to_string(bytes >> 20) + " MiB of memory");
  }
  check(code, "cannot allocate page-locked memory");
  return p;
}

void pinned_free(void* p) noexcept { cudaFreeHost(p); }

Stream make_stream() {
  Stream stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cannot create a stream");
  return stream;
}

void destroy(Stream stream) noexcept { cudaStreamDestroy(stream); }
void synchronize(Stream stream) { check(cudaStreamSynchronize(stream), "the GPU failed"); }

EventHandle make_event() {
  EventHandle event = nullptr;
  // A host thread that waits for the event sleeps: during a step that is most of the time.
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync), "cannot create an event");
  return event;
}

void destroy(EventHandle event) noexcept { cudaEventDestroy(event); }
void record(EventHandle event, Stream stream) { check(cudaEventRecord(event, stream), "the GPU failed"); }
bool is_done(EventHandle event) {
  const cudaError_t code = cudaEventQuery(event);
  if (code == cudaErrorNotReady) return false;
  check(code, "the GPU failed");
  return true;
}
void wait_on_host(EventHandle event) { check(cudaEventSynchronize(event), "the GPU failed"); }
void wait(Stream stream, EventHandle event) { check(cudaStreamWaitEvent(stream, event, 0), "the GPU failed"); }

void begin_capture(Stream stream) {
  // Affects this thread alone: others can allocate meanwhile.
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cannot capture a CUDA graph");
}

GraphHandle end_capture(Stream stream) {
  cudaGraph_t recorded = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream, &recorded);
  GraphHandle graph = nullptr;
  const cudaError_t made = ended == cudaSuccess ? cudaGraphInstantiate(&graph, recorded, 0) : ended;
  if (recorded) cudaGraphDestroy(recorded);
  if (made == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears the error; the GPU is still usable
    throw NoMemory("the GPU has no memory for a CUDA graph");
  }
  check(made, "cannot capture a CUDA graph");
  return graph;
}

void replay(GraphHandle graph, Stream stream) { check(cudaGraphLaunch(graph, stream), "cannot launch a CUDA graph"); }
void destroy(GraphHandle graph) noexcept { cudaGraphExecDestroy(graph); }

void copy_to_device(void* to, const void* pinned, size_t bytes, Stream stream) {
  check(cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyDefault, stream), "cannot copy to the GPU");
}

void copy_to_host(void* pinned, const void* from, size_t bytes, Stream stream) {
  check(cudaMemcpyAsync(pinned, from, bytes, cudaMemcpyDefault, stream), "cannot copy from the GPU");
}

void fill_zero(void* p, size_t pitch, size_t width, size_t rows, Stream stream) {
  // cudaMemcpy2D rejects a pitch of 2 GiB or more, which a long vector would have.
  const bool whole = rows == 1 || pitch == width;
  check(whole ? cudaMemsetAsync(p, 0, width * rows, stream) : cudaMemset2DAsync(p, pitch, 0, width, rows, stream),
        "cannot clear GPU memory");
}

}  // namespace vq::cuda
