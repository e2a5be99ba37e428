#include "ops/cuda/timer.h"

#include <cuda_runtime.h>

#include "ops/cuda/runtime_check.h"

namespace vq::cuda {

Timer::Timer() {
  check(cudaEventCreate(&begin_), "an event could not be made");
  check(cudaEventCreate(&end_), "an event could not be made");
}

Timer::~Timer() {
  cudaEventDestroy(begin_);
  cudaEventDestroy(end_);
}

void Timer::start(Stream stream) { check(cudaEventRecord(begin_, stream), "the GPU failed"); }

double Timer::stop(Stream stream) {
  float milliseconds = 0;
  check(cudaEventRecord(end_, stream), "the GPU failed");
  check(cudaEventSynchronize(end_), "the GPU failed");
  check(cudaEventElapsedTime(&milliseconds, begin_, end_), "the GPU failed");
  return milliseconds;
}

}  // namespace vq::cuda
