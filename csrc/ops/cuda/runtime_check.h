// Converts a failed CUDA runtime call to an Error with the operation and the reason. CUDA also keeps the error for the
// next cudaGetLastError(), which launches call: it is cleared, so that a caller who handles the Error can go on.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "ops/tensor.h"

namespace vq::cuda {

inline void check(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return;
  cudaGetLastError();
  throw Error(std::string(what) + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) + ")");
}

}  // namespace vq::cuda
