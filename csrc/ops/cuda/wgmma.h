// wgmma: GEMMs of a warpgroup (four consecutive warps, starting at a multiple of 128 threads). The second operand is in
// shared memory and is read once per 64 rows. They run asynchronously. Under nvcc they are PTX for sm_90a; on a CPU,
// tests/cuda_sim/wgmma.h implements them.
//
// All threads of the warpgroup must call each of these together, in this order:
//
//   wgmma_fence(registers...)   after the threads have accessed registers that a wgmma reads or accumulates into
//   wgmma(...)       starts a wgmma; those with the same accumulators run in order
//   wgmma_commit()   closes the group of those started
//   wgmma_wait<n>(registers...)   waits for all groups but the n latest; the accumulators are then valid
//
// Until then no thread may access the registers of a wgmma or write the shared memory that it reads. Each wait names
// all registers of the wgmmas that it completes, accumulators and operands: the compiler must not reuse them before,
// and it does not know that a wgmma runs on. Data that threads (or their copies) have written to shared memory is
// visible to wgmma after shared_fence() in those threads and a barrier.
#pragma once

#include "ops/cuda/tensor_core.h"

namespace vq::cuda {

// The shared memory layout of a bf16 matrix for wgmma: panels of 64 columns, each with rows of 128 bytes, whose chunks
// of 16 bytes are stored at chunk ^ (row % 8). The first panel starts at a multiple of 1,024 bytes ("128-byte
// swizzling" of the PTX ISA).
//
// The bits: 0-13 address / 16, 16-29 leading offset / 16, 32-45 stride offset / 16, 62-63 swizzling (1: 128 bytes).
struct MatrixDescriptor {
  uint64_t bits;
  // The descriptor of the matrix at a byte offset from this one.
  __device__ __forceinline__ MatrixDescriptor operator+(int bytes) const {
    return {bits + static_cast<uint64_t>(bytes >> 4)};
  }
};
constexpr int kPanelRowBytes = 128;
constexpr int kSwizzleBytes = 1024;  // 8 rows of a panel: the period of the swizzle pattern

__device__ __forceinline__ MatrixDescriptor describe(uint32_t address, int leading, int stride) {
  return {static_cast<uint64_t>((address & 0x3ffff) >> 4) | static_cast<uint64_t>(leading >> 4) << 16 |
          static_cast<uint64_t>(stride >> 4) << 32 | uint64_t{1} << 62};
}
// Rows of a panel are rows of the operand (m or n), its columns are k: the next 8 rows are 1,024 bytes away. A step of
// 16 columns is 32 bytes within the panel. The leading offset is not used.
__device__ __forceinline__ MatrixDescriptor rows_of_panels(uint32_t address) {
  return describe(address, 16, kSwizzleBytes);
}
// Columns of the panels are columns of the operand (n), rows are k: the next 8 rows are 1,024 bytes away, the next 64
// columns one panel. A step of 16 rows is 2,048 bytes.
__device__ __forceinline__ MatrixDescriptor columns_of_panels(uint32_t address, int panel_bytes) {
  return describe(address, panel_bytes, kSwizzleBytes);
}

}  // namespace vq::cuda

#if !defined(__CUDACC__)
#include "tests/cuda_sim/wgmma.h"
#else

namespace vq::cuda {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr bool kHasWgmma = true;
#else
constexpr bool kHasWgmma = false;  // kernels with wgmma are compiled to empty bodies
#endif

// Accumulators [64, n] in f32. Thread 32 w + 4 g + t of the warpgroup has rows 16 w + g + 8 r and columns 8 i + 2 t +
// e, at [4 i + 2 r + e].
template <int n>
struct Accumulator {
  float x[n / 2];
  __device__ __forceinline__ float& operator[](int i) { return x[i]; }
  __device__ __forceinline__ float operator[](int i) const { return x[i]; }
};
// The first operand [64, k] in bf16: rows as in the accumulators; column pairs 16 i + 8 h + 2 t at [4 i + 2 h + r].
template <int k>
struct RowFragment {
  uint32_t x[k / 4];
  __device__ __forceinline__ uint32_t& operator[](int i) { return x[i]; }
};

__device__ __forceinline__ void shared_fence() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// The registers have their values here: the compiler computes them before, and keeps them until here.
template <int n>
__device__ __forceinline__ void hold(Accumulator<n>& sums) {
#pragma unroll
  for (int i = 0; i < n / 2; i++) asm volatile("" : "+f"(sums.x[i])::"memory");
}
template <int k>
__device__ __forceinline__ void hold(RowFragment<k>& a) {
#pragma unroll
  for (int i = 0; i < k / 4; i++) asm volatile("" : "+r"(a.x[i])::"memory");
}
template <class... Registers>
__device__ __forceinline__ void wgmma_fence(Registers&... registers) {
  (hold(registers), ...);
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
template <int pending, class... Registers>
__device__ __forceinline__ void wgmma_wait(Registers&... registers) {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
  (hold(registers), ...);
}

#define VQ_FLOATS_8(x, i)                                                                                     \
  "+f"(x[i]), "+f"(x[i + 1]), "+f"(x[i + 2]), "+f"(x[i + 3]), "+f"(x[i + 4]), "+f"(x[i + 5]), "+f"(x[i + 6]), \
      "+f"(x[i + 7])
#define VQ_FLOATS_32(x, i) VQ_FLOATS_8(x, i), VQ_FLOATS_8(x, i + 8), VQ_FLOATS_8(x, i + 16), VQ_FLOATS_8(x, i + 24)
#define VQ_NAMES_32                                                                                                \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, " \
  "%24, %25, %26, %27, %28, %29, %30, %31"
#define VQ_NAMES_64                                                                                                  \
  VQ_NAMES_32                                                                                                        \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, " \
  "%54, %55, %56, %57, %58, %59, %60, %61, %62, %63"

// c[64, n] = a b, or += with `add`. a: 64 rows by 16 columns; b: 16 by n, described by its rows (the panel rows are n)
// or, with `by_columns`, by its columns.
template <bool by_columns, int n>
__device__ __forceinline__ void wgmma(Accumulator<n>& c, MatrixDescriptor a, MatrixDescriptor b, bool add) {
  static_assert(n == 64 || n == 128);
  if constexpr (n == 64) {
    asm volatile(
        "{\n.reg .pred add;\nsetp.ne.b32 add, %34, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" VQ_NAMES_32 "}, %32, %33, add, 1, 1, 0, %35;\n}"
        : VQ_FLOATS_32(c.x, 0)
        : "l"(a.bits), "l"(b.bits), "r"(static_cast<int>(add)), "n"(static_cast<int>(by_columns)));
  } else {
    asm volatile(
        "{\n.reg .pred add;\nsetp.ne.b32 add, %66, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" VQ_NAMES_64 "}, %64, %65, add, 1, 1, 0, %67;\n}"
        : VQ_FLOATS_32(c.x, 0), VQ_FLOATS_32(c.x, 32)
        : "l"(a.bits), "l"(b.bits), "r"(static_cast<int>(add)), "n"(static_cast<int>(by_columns)));
  }
}
// The same with columns 16 * step to 16 * step + 15 of `a` from registers.
template <bool by_columns, int n, int k>
__device__ __forceinline__ void wgmma(Accumulator<n>& c, const RowFragment<k>& a, int step, MatrixDescriptor b,
                                      bool add) {
  static_assert(n == 64 || n == 128);
  const uint32_t a0 = a.x[4 * step], a1 = a.x[4 * step + 1], a2 = a.x[4 * step + 2], a3 = a.x[4 * step + 3];
  if constexpr (n == 64) {
    asm volatile(
        "{\n.reg .pred add;\nsetp.ne.b32 add, %37, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" VQ_NAMES_32
        "}, {%32, %33, %34, %35}, %36, add, 1, 1, %38;\n}"
        : VQ_FLOATS_32(c.x, 0)
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "l"(b.bits), "r"(static_cast<int>(add)),
          "n"(static_cast<int>(by_columns)));
  } else {
    asm volatile(
        "{\n.reg .pred add;\nsetp.ne.b32 add, %69, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" VQ_NAMES_64
        "}, {%64, %65, %66, %67}, %68, add, 1, 1, %70;\n}"
        : VQ_FLOATS_32(c.x, 0), VQ_FLOATS_32(c.x, 32)
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "l"(b.bits), "r"(static_cast<int>(add)),
          "n"(static_cast<int>(by_columns)));
  }
}

#undef VQ_FLOATS_8
#undef VQ_FLOATS_32
#undef VQ_NAMES_32
#undef VQ_NAMES_64

}  // namespace vq::cuda
#endif
