// VQ_ANYWHERE marks functions of the contract that kernels of any instruction set and of a GPU can call.
//
// Internal linkage: files compiled for different instruction sets must not share instances (ops/cpu/kernels.h). Headers
// that use it include no library header but <cstdint>.
#pragma once

#ifdef __CUDACC__
#define VQ_ANYWHERE static __host__ __device__ __forceinline__
#else
#define VQ_ANYWHERE [[gnu::always_inline]] static inline
#endif
