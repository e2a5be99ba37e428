// The CUDA dialect of the kernels: CUDA plus a few definitions that let the same source also run on the CPU in tests
// (tests/cuda_sim). Under nvcc each of them maps directly to CUDA:
//
//   Global<T>, Shared<T>          T*; all pointer parameters of kernels and device functions have these types
//   retyped<U>(p)                 the same memory as elements of U, for wide loads and stores
//   VQ_SHARED(T, name, count)     __shared__ T name[count]
//   VQ_DYNAMIC_SHARED(name)       extern __shared__ unsigned char name[], aligned to 128 bytes
//   launch(Launch{...}, kernel, arguments...)    kernel<<<...>>>(arguments...)
//
// Declare the type of a value read from memory (`const float x = p[i]`, not auto). Do not compare or subtract pointers.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "ops/cuda/runtime_check.h"
#include "ops/cuda/stream.h"

namespace vq::cuda {

template <class T>
using Global = T*;
template <class T>
using Shared = T*;

template <class U, class T>
__device__ __forceinline__ U* retyped(T* p) {
  return reinterpret_cast<U*>(p);
}

#define VQ_SHARED(T, name, count) __shared__ T name[count]
#define VQ_DYNAMIC_SHARED(name) extern __shared__ __align__(128) unsigned char name[]

struct Launch {
  dim3 grid, block;
  Stream stream;
  size_t shared_bytes = 0;  // dynamic
};

template <class... Parameters, class... Arguments>
void launch(const Launch& how, void (*kernel)(Parameters...), Arguments&&... arguments) {
  constexpr size_t kWithoutAsking = 48 << 10;
  if (how.shared_bytes > kWithoutAsking) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(how.shared_bytes)),
          "cannot reserve the shared memory of a kernel");
  }
  kernel<<<how.grid, how.block, how.shared_bytes, how.stream>>>(static_cast<Parameters>(arguments)...);
  check(cudaGetLastError(), "cannot launch a kernel");
}

}  // namespace vq::cuda

#else

#include <tuple>

#include "ops/cuda/runtime_check.h"
#include "ops/cuda/stream.h"
#include "tests/cuda_sim/cuda_sim.h"

namespace vq::cuda {

template <class T>
using Global = cuda_sim::Pointer<T>;
template <class T>
using Shared = cuda_sim::Pointer<T>;
using cuda_sim::retyped;

#define VQ_SHARED(T, name, count) \
  static char name##_place = 0;   \
  const ::cuda_sim::Pointer<T> name = ::cuda_sim::shared_array<T>(&name##_place, count)
#define VQ_DYNAMIC_SHARED(name) const ::cuda_sim::Pointer<unsigned char> name = ::cuda_sim::dynamic_shared()

struct Launch {
  dim3 grid, block;
  Stream stream;
  size_t shared_bytes = 0;
  std::source_location where = std::source_location::current();
};

template <class... Parameters, class... Arguments>
void launch(const Launch& how, void (*kernel)(Parameters...), Arguments&&... arguments) {
  const std::tuple<Parameters...> given(static_cast<Parameters>(arguments)...);
  cuda_sim::launch_grid(
      reinterpret_cast<cuda_sim::Stream*>(how.stream), how.grid, how.block, how.shared_bytes,
      [kernel, given] { std::apply(kernel, given); }, how.where);
  check(cudaGetLastError(), "cannot launch a kernel");
}

}  // namespace vq::cuda

#endif

namespace vq::cuda {

using bf16 = __nv_bfloat16;
using f16 = __half;

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(f16 x) { return __half2float(x); }

template <class T>
__device__ __forceinline__ T from_float(float x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return x;
  } else {
    return __float2bfloat16_rn(x);
  }
}

}  // namespace vq::cuda
