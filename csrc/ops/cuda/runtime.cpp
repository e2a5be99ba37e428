#include "ops/cuda/runtime.h"

#include <cuda_runtime.h>

#include "ops/cuda/runtime_check.h"

namespace vq::cuda {
namespace {

std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

}  // namespace

Card find_card(int index) {
  int driver = 0, built = 0, count = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&built);
  if (driver == 0) {
    throw Error(
        "there is no NVIDIA driver: libcuda.so.1 was not found or does not load (nvidia-smi shows what is installed)");
  }
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found == cudaErrorInsufficientDriver || driver / 1000 < built / 1000) {
    throw Error("the NVIDIA driver is too old: it offers CUDA " + version(driver) + ", and this build needs " +
                version(built / 1000 * 1000) + " or newer");
  }
  if (found == cudaErrorNoDevice || (found == cudaSuccess && count == 0)) throw Error("there is no NVIDIA GPU here");
  check(found, "the GPUs could not be listed");
  if (index < 0 || index >= count) {
    throw Error("there is no GPU " + std::to_string(index) + ": this machine has " + std::to_string(count) +
                ", counted from 0");
  }
  cudaDeviceProp p;
  check(cudaGetDeviceProperties(&p, index), "the GPU could not be asked for its properties");
  Card card;
  card.name = p.name;
  card.major = p.major;
  card.minor = p.minor;
  card.multiprocessors = p.multiProcessorCount;
  card.shared_bytes = p.sharedMemPerBlockOptin;
  card.memory_total = p.totalGlobalMem;
  card.driver = driver;
  return card;
}

void use_card(int index) {
  thread_local int used = -1;
  if (used == index) return;
  check(cudaSetDevice(index), "the GPU could not be opened");
  used = index;
}

size_t memory_available() {
  size_t available = 0, total = 0;
  check(cudaMemGetInfo(&available, &total), "the GPU could not be asked for its memory");
  return available;
}

void* device_alloc(size_t bytes) {
  void* p = nullptr;
  const cudaError_t code = cudaMalloc(&p, bytes);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears the error; the GPU is still usable
    throw NoMemory("the GPU has no room for " + std::to_string(bytes >> 20) + " MiB more, " +
                   std::to_string(memory_available() >> 20) + " MiB are free");
  }
  check(code, "memory of the GPU could not be had");
  return p;
}

void device_free(void* p) noexcept { cudaFree(p); }

void* pinned_alloc(size_t bytes) {
  void* p = nullptr;
  check(cudaMallocHost(&p, bytes), "page-locked memory could not be had");
  return p;
}

void pinned_free(void* p) noexcept { cudaFreeHost(p); }

Stream make_stream() {
  Stream stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a stream could not be made");
  return stream;
}

void destroy(Stream stream) noexcept { cudaStreamDestroy(stream); }
void synchronize(Stream stream) { check(cudaStreamSynchronize(stream), "the GPU failed"); }

EventHandle make_event() {
  EventHandle event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "an event could not be made");
  return event;
}

void destroy(EventHandle event) noexcept { cudaEventDestroy(event); }
void record(EventHandle event, Stream stream) { check(cudaEventRecord(event, stream), "the GPU failed"); }
void wait_on_host(EventHandle event) { check(cudaEventSynchronize(event), "the GPU failed"); }
void wait(Stream stream, EventHandle event) { check(cudaStreamWaitEvent(stream, event, 0), "the GPU failed"); }

void begin_capture(Stream stream) {
  // Affects this thread alone: others can allocate meanwhile.
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "work could not be recorded");
}

GraphHandle end_capture(Stream stream) {
  cudaGraph_t recorded = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream, &recorded);
  GraphHandle graph = nullptr;
  const cudaError_t made = ended == cudaSuccess ? cudaGraphInstantiate(&graph, recorded, 0) : ended;
  if (recorded) cudaGraphDestroy(recorded);
  if (made != cudaSuccess) cudaGetLastError();  // clears the error; the GPU is still usable
  if (made == cudaErrorMemoryAllocation) throw NoMemory("the GPU has no room for recorded work");
  check(made, "work could not be recorded");
  return graph;
}

void replay(GraphHandle graph, Stream stream) {
  check(cudaGraphLaunch(graph, stream), "recorded work could not be queued");
}
void destroy(GraphHandle graph) noexcept { cudaGraphExecDestroy(graph); }

void copy_to_device(void* to, const void* pinned, size_t bytes, Stream stream) {
  check(cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyDefault, stream), "a copy to the GPU failed");
}

void copy_to_host(void* pinned, const void* from, size_t bytes, Stream stream) {
  check(cudaMemcpyAsync(pinned, from, bytes, cudaMemcpyDefault, stream), "a copy from the GPU failed");
}

void fill_zero(void* p, size_t pitch, size_t width, size_t rows, Stream stream) {
  // cudaMemcpy2D rejects a pitch of 2 GiB or more, which a long vector would have.
  const bool whole = rows == 1 || pitch == width;
  check(whole ? cudaMemsetAsync(p, 0, width * rows, stream) : cudaMemset2DAsync(p, pitch, 0, width, rows, stream),
        "memory of the GPU could not be cleared");
}

}  // namespace vq::cuda
