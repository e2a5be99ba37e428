// The instructions used by the GEMM and attention kernels, warp-wide unless noted: bf16 fragment GEMMs on tensor cores,
// loads of fragments from shared memory, and asynchronous copies from global to shared memory. Under nvcc they are PTX
// (sm_80 and later); on a CPU, tests/cuda_sim/tensor_core.h implements them with the same layouts.
#pragma once

#include "ops/cuda/cuda.h"

#if !defined(__CUDACC__)
#include "tests/cuda_sim/tensor_core.h"
#else

namespace vq::cuda {

// Shared memory is addressed by the block's array and a byte offset.
__device__ __forceinline__ uint32_t shared_address(const unsigned char* shared, int offset) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared)) + static_cast<uint32_t>(offset);
}

// c[16, 8] += a[16, 16] b[16, 8] in f32. Lane 4 g + t holds of a: rows g, g + 8 and columns 2 t, 2 t + 1 (a[0], a[1]),
// the same 8 columns on (a[2], a[3]); of b: rows 2 t, 2 t + 1 (b0), 8 rows on (b1) of column g; of c: rows g (c[0],
// c[1]) and g + 8 (c[2], c[3]), columns 2 t and 2 t + 1.
__device__ __forceinline__ void mma_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Loads `count` (1, 2, 4) matrices of 8 x 8 bf16: lane 8 m + r specifies the 16 bytes of row r of matrix m; lane 4 g +
// t receives in out[m] the elements [g][2 t], [g][2 t + 1] of matrix m, or of its transpose.
template <int count>
__device__ __forceinline__ void load_matrices(uint32_t (&out)[count], const unsigned char* shared, int offset) {
  const uint32_t at = shared_address(shared, offset);
  if constexpr (count == 1) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(out[0]) : "r"(at) : "memory");
  } else if constexpr (count == 2) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(out[0]), "=r"(out[1])
                 : "r"(at)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(at)
                 : "memory");
  }
}
template <int count>
__device__ __forceinline__ void load_matrices_transposed(uint32_t (&out)[count], const unsigned char* shared,
                                                         int offset) {
  const uint32_t at = shared_address(shared, offset);
  if constexpr (count == 1) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(out[0]) : "r"(at) : "memory");
  } else if constexpr (count == 2) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(out[0]), "=r"(out[1])
                 : "r"(at)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(at)
                 : "memory");
  }
}

// Per-thread copies: 16 bytes (4 bytes) if `exists`, otherwise zeros without reading. Both addresses are aligned to the
// copy size. copies_wait<n> makes all but the n latest groups of the same thread available to it; other threads also
// need a barrier after it.
__device__ __forceinline__ void copy_16(unsigned char* shared, int offset, const void* from, bool exists) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(shared_address(shared, offset)), "l"(__cvta_generic_to_global(from)), "r"(exists ? 16 : 0)
               : "memory");
}
__device__ __forceinline__ void copy_4(unsigned char* shared, int offset, const void* from, bool exists) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
               :
               : "r"(shared_address(shared, offset)), "l"(__cvta_generic_to_global(from)), "r"(exists ? 4 : 0)
               : "memory");
}
__device__ __forceinline__ void copies_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int pending>
__device__ __forceinline__ void copies_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// Two floats as bf16, rounded to nearest even; `low` in the lower half, which comes first in memory.
__device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

// 2^x with a relative error below 2^-22; 0 for -infinity.
__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

}  // namespace vq::cuda
#endif
