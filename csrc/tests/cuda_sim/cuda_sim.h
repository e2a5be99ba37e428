// CUDA kernels on the CPU, for tests: ops/cuda/cuda.h includes this if the compiler is not nvcc.
//
// A kernel's source is the same in both. It sees threadIdx and the like, launches with launch(), declares shared memory
// with VQ_SHARED, and reaches memory through Global<T> and Shared<T>, which check what it does:
//   races            two accesses to the same memory, one a write, with no barrier between them
//   wrong addresses  outside of the allocation or array, or not aligned
//   uninitialized    shared memory that is read before the block wrote it
//   barriers         threads that wait forever, or at different barriers
// block.h runs the threads, memory.h checks accesses, warp.h has the warp-wide operations.
#pragma once

#include <functional>
#include <source_location>
#include <utility>

#include "tests/cuda_sim/block.h"
#include "tests/cuda_sim/builtins.h"
#include "tests/cuda_sim/pointer.h"
#include "tests/cuda_sim/warp.h"

#define threadIdx (::cuda_sim::running()->index)
#define blockIdx (::cuda_sim::running()->block->block_index)
#define blockDim (::cuda_sim::running()->block->shape)
#define gridDim (::cuda_sim::running()->block->grid)

namespace cuda_sim {

template <class T>
Pointer<T> shared_array(const void* place, size_t count) {
  const Region& r = running()->block->shared(place, count * sizeof(T));
  return {reinterpret_cast<T*>(r.begin()), &r};
}

inline Pointer<unsigned char> dynamic_shared() {
  Block& b = *running()->block;
  const Region& r = b.shared(nullptr, b.dynamic_bytes);
  return {reinterpret_cast<unsigned char*>(r.begin()), &r};
}

// The offset of dynamic shared memory in the shared memory window.
inline uint32_t window_address(const Pointer<unsigned char>& p) {
  return Block::kDynamicBegin + static_cast<uint32_t>(reinterpret_cast<const char*>(p.raw()) - p.region()->begin());
}

}  // namespace cuda_sim
