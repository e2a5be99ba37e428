// wgmma on the CPU (tests/cuda_sim): GEMMs of matrices laid out by hand compared with plain ones, single entries of the
// layouts of the PTX ISA, and detection of incorrect use by kernels.
#include <gtest/gtest.h>

#include <vector>

#include "ops/cuda/wgmma.h"
#include "tests/global_array.h"

namespace vq::test {
namespace {

using namespace vq::cuda;
using cuda_sim::Fault;
using cuda_sim::KernelFault;
using cuda_sim::MatrixLayout;

// A descriptor by the table of the manual.
constexpr uint64_t bits(uint64_t address, uint64_t leading, uint64_t stride, uint64_t mode) {
  return address / 16 | leading / 16 << 16 | stride / 16 << 32 | mode << 62;
}

TEST(Wgmma, DescriptorBitsMatchThePtxIsa) {
  EXPECT_EQ(describe(0x12340, 4096, 1024).bits, bits(0x12340, 4096, 1024, 1));
  EXPECT_EQ((describe(0x400, 16, 1024) + 32).bits, bits(0x420, 16, 1024, 1));
  EXPECT_EQ(rows_of_panels(0x800).bits, bits(0x800, 16, 1024, 1));
  EXPECT_EQ(columns_of_panels(0x800, 8192).bits, bits(0x800, 8192, 1024, 1));
}

// Entries by hand, from the figures of swizzled layouts: chunks of 16 bytes, 8 rows to a pattern.
TEST(Wgmma, MatrixLayoutMatchesThePtxIsa) {
  const MatrixLayout rows(bits(0x2000, 16, 1024, 1), false);
  EXPECT_EQ(rows.chunk(0, 0), 0x2000u);
  EXPECT_EQ(rows.chunk(0, 8), 0x2010u);
  EXPECT_EQ(rows.chunk(3, 0), 0x2000u + 3 * 128 + 3 * 16);
  EXPECT_EQ(rows.chunk(3, 8), 0x2000u + 3 * 128 + 2 * 16);
  EXPECT_EQ(rows.chunk(21, 8), 0x2000u + 2 * 1024 + 5 * 128 + 4 * 16);
  // The third step of 16 columns begins 64 bytes on: its chunks are 4 and 5 of each row.
  const MatrixLayout third(bits(0x2040, 16, 1024, 1), false);
  EXPECT_EQ(third.chunk(0, 0), 0x2040u);
  EXPECT_EQ(third.chunk(6, 8), 0x2000u + 6 * 128 + 3 * 16);

  const MatrixLayout columns(bits(0x2000, 4096, 1024, 1), true);
  EXPECT_EQ(columns.chunk(0, 0), 0x2000u);
  EXPECT_EQ(columns.chunk(8, 0), 0x2010u);
  EXPECT_EQ(columns.chunk(8, 1), 0x2000u + 128);
  EXPECT_EQ(columns.chunk(56, 5), 0x2000u + 5 * 128 + 2 * 16);
  EXPECT_EQ(columns.chunk(64, 0), 0x2000u + 4096);
  EXPECT_EQ(columns.chunk(72, 11), 0x2000u + 4096 + 1024 + 3 * 128 + 2 * 16);

  // The other modes: patterns of 64 and 32 bytes, and none.
  EXPECT_EQ(MatrixLayout(bits(0x2000, 16, 512, 2), false).chunk(13, 8), 0x2000u + 512 + 5 * 64 + (1 ^ 2) * 16);
  EXPECT_EQ(MatrixLayout(bits(0x2000, 16, 256, 3), false).chunk(13, 8), 0x2000u + 256 + 5 * 32 + (1 ^ 1) * 16);
  EXPECT_EQ(MatrixLayout(bits(0x2000, 512, 256, 0), false).chunk(13, 8), 0x2000u + 256 + 5 * 16 + 512);
  EXPECT_EQ(MatrixLayout(bits(0x2000, 2048, 512, 2), true).chunk(40, 9), 0x2000u + 2048 + 512 + 64 + 16);
  EXPECT_EQ(MatrixLayout(bits(0x2000, 512, 256, 0), true).chunk(16, 9), 0x2000u + 2 * 256 + 16 + 512);
}

// Element of a matrix in panels of 64 columns, as an offset in bytes: written down once more, by itself.
__device__ int element(int rows, int row, int column) {
  const int panel = column / 64, chunk = column % 64 / 8;
  return panel * rows * 128 + row * 128 + (chunk ^ row % 8) * 16 + column % 8 * 2;
}

constexpr int kDepth = 64;  // k of the GEMMs: four steps

struct How {
  bool from_registers = false, by_columns = false, add = false;
  // What goes wrong:
  bool fence = true, fence_late = false, barrier = true;
  bool wgmma_fence = true, commit = true, wait = true;
  bool name_in_fence = true, name_sums = true, name_left = true;
  bool touch_sums = false, touch_left = false;
  bool overwrite_before = false, overwrite_after = false, barrier_after = true;
  bool copy_under_way = false;
  int shift = 0;           // bytes, of b
  bool unwritten = false;  // b's last row
  uint64_t more_bits = 0;  // of b's descriptor
  int leaves = -1;         // a thread that does not come
  int differs = -1;        // a thread with another descriptor
};

// c[64, n] = or += a[64, 64] b: b is [n, 64], or, by columns, [64, n].
template <int n>
__global__ void multiply(Global<float> c, Global<const bf16> a, Global<const bf16> b, How how) {
  VQ_DYNAMIC_SHARED(memory);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
  const int first = static_cast<int>(-shared_address(memory, 0) & 1023), second = first + 64 * kDepth * 2;
  const int b_rows = how.by_columns ? kDepth : n, b_columns = how.by_columns ? n : kDepth;
  if (thread == how.leaves) return;
  for (int i = thread; i < 64 * kDepth; i += 128) {
    const bf16 x = a[i];
    *retyped<bf16>(memory + (first + element(64, i / kDepth, i % kDepth))) = x;
  }
  for (int i = thread; i < b_rows * b_columns; i += 128) {
    const bf16 x = b[i];
    if (how.unwritten && i / b_columns == b_rows - 1) continue;
    *retyped<bf16>(memory + (second + element(b_rows, i / b_columns, i % b_columns))) = x;
  }
  if (how.copy_under_way) {
    if (thread == 0) copy_16(memory, second, a, true);
    copies_commit();
  }
  if (how.fence && !how.fence_late) shared_fence();
  if (how.barrier) __syncthreads();
  if (how.fence_late) shared_fence();
  Accumulator<n> sums;
  RowFragment<kDepth> left;
  for (int i = 0; i < n / 2; i++) sums[i] = 1;
  for (int i = 0; i < kDepth / 4; i++) {
    const int row = 16 * warp + lane / 4 + i % 2 * 8, column = i / 4 * 16 + i / 2 % 2 * 8 + lane % 4 * 2;
    const uint32_t low = __float_as_uint(to_float(a[row * kDepth + column])) >> 16;
    left[i] = low | (__float_as_uint(to_float(a[row * kDepth + column + 1])) >> 16) << 16;
  }
  if (how.wgmma_fence) how.name_in_fence ? wgmma_fence(left) : wgmma_fence();
  const MatrixDescriptor x{bits(shared_address(memory, first), 16, 1024, 1)};
  MatrixDescriptor y{how.by_columns ? bits(shared_address(memory, second) + how.shift, kDepth * 128, 1024, 1)
                                    : bits(shared_address(memory, second) + how.shift, 16, 1024, 1)};
  y.bits |= how.more_bits;
  if (thread == how.differs) y = y + 32;
  for (int step = 0; step < kDepth / 16; step++) {
    const bool add = how.add || step > 0;
    const MatrixDescriptor at = y + (how.by_columns ? step * 2048 : step * 32);
    if (how.from_registers) {
      how.by_columns ? wgmma<true>(sums, left, step, at, add) : wgmma<false>(sums, left, step, at, add);
    } else {
      how.by_columns ? wgmma<true>(sums, x + step * 32, at, add) : wgmma<false>(sums, x + step * 32, at, add);
    }
  }
  if (how.commit) wgmma_commit();
  if (how.touch_sums) sums[3] = 0;
  if (how.touch_left) left[3] = 0;
  if (how.overwrite_before && thread == 0) *retyped<uint32_t>(memory + second) = 0;
  if (how.wait) {
    if (!how.name_sums) {
      wgmma_wait<0>(left);
    } else {
      how.name_left ? wgmma_wait<0>(sums, left) : wgmma_wait<0>(sums);
    }
  }
  if (how.overwrite_after) {
    if (how.barrier_after) __syncthreads();
    if (thread == 0) *retyped<uint32_t>(memory + second) = 0;
  }
  if (!how.wait) return;
  for (int i = 0; i < n / 2; i++) {
    const int row = 16 * warp + lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
    c[row * n + column] = sums[i];
  }
  copies_wait<0>();
}

constexpr size_t kShared = 1024 + 3 * 128 * kDepth * 2;

template <int n>
void expect_gemm(const How& how) {
  Array<bf16> a(64 * kDepth), b(n * kDepth);
  Array<float> c(64 * n);
  const std::vector<float> x = fill(a, 1), y = fill(b, 2);
  launch({1, 128, nullptr, kShared}, multiply<n>, c.device(), a.device(), b.device(), how);
  for (size_t i = 0; i < 64; i++)
    for (size_t j = 0; j < n; j++) {
      double want = how.add ? 1 : 0;
      for (size_t k = 0; k < kDepth; k++) {
        want += double{x[i * kDepth + k]} * (how.by_columns ? y[k * n + j] : y[j * kDepth + k]);
      }
      ASSERT_NEAR(c.values[i * n + j], want, 1e-4) << i << ", " << j << " of " << n;
    }
}

TEST(Wgmma, MultipliesMatrices) {
  for (bool registers : {false, true})
    for (bool columns : {false, true})
      for (bool add : {false, true}) {
        expect_gemm<64>({.from_registers = registers, .by_columns = columns, .add = add});
        expect_gemm<128>({.from_registers = registers, .by_columns = columns, .add = add});
      }
}
TEST(Wgmma, MemoryMayBeWrittenAfterWaitAndBarrier) { expect_gemm<64>({.overwrite_after = true}); }

void expect_fault(const How& how, Fault::Kind kind, const char* text) {
  Array<bf16> a(64 * kDepth), b(64 * kDepth);
  Array<float> c(64 * 64);
  fill(a, 1);
  fill(b, 2);
  try {
    launch({1, 128, nullptr, kShared}, multiply<64>, c.device(), a.device(), b.device(), how);
    ADD_FAILURE() << "nothing was found of: " << text;
  } catch (const KernelFault& e) {
    EXPECT_EQ(e.faults.at(0).kind, kind) << e.what();
    EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
  }
}

TEST(Wgmma, MissingSharedFenceIsFound) { expect_fault({.fence = false}, Fault::race, "without a shared_fence()"); }
TEST(Wgmma, SharedFenceAfterTheBarrierIsFound) {
  expect_fault({.fence_late = true}, Fault::race, "without a shared_fence()");
}
TEST(Wgmma, MissingBarrierIsFound) { expect_fault({.barrier = false}, Fault::race, "without a barrier"); }
TEST(Wgmma, PendingCopyIsFound) { expect_fault({.copy_under_way = true}, Fault::race, "copy"); }
TEST(Wgmma, UninitializedMemoryIsFound) { expect_fault({.unwritten = true}, Fault::uninitialized, "not written"); }
// Registers that the compiler may reuse while a wgmma reads them.
TEST(Wgmma, FenceWithoutTheOperandIsFound) {
  expect_fault({.from_registers = true, .name_in_fence = false}, Fault::race, "no wgmma_fence() named");
}
TEST(Wgmma, WaitWithoutTheOperandIsFound) {
  expect_fault({.from_registers = true, .name_left = false}, Fault::race, "does not name its registers");
}
TEST(Wgmma, WaitWithoutTheAccumulatorsIsFound) {
  expect_fault({.name_sums = false}, Fault::race, "does not name its registers");
}
TEST(Wgmma, MissingWgmmaFenceIsFound) { expect_fault({.wgmma_fence = false}, Fault::race, "wgmma_fence()"); }
TEST(Wgmma, TouchingPendingAccumulatorsIsFound) {
  expect_fault({.touch_sums = true}, Fault::race, "touches registers");
}
TEST(Wgmma, TouchingPendingRegistersIsFound) {
  expect_fault({.from_registers = true, .touch_left = true}, Fault::race, "touches registers");
}
TEST(Wgmma, WaitWithoutCommitIsFound) { expect_fault({.commit = false}, Fault::race, "touches registers"); }
TEST(Wgmma, PendingWgmmaAtTheEndIsFound) { expect_fault({.wait = false}, Fault::race, "ends while a wgmma"); }
TEST(Wgmma, OverwritingPendingOperandIsFound) {
  expect_fault({.overwrite_before = true}, Fault::race, "while a pending wgmma reads it");
}
TEST(Wgmma, OverwritingWithoutBarrierIsFound) {
  expect_fault({.overwrite_after = true, .barrier_after = false}, Fault::race, "wgmma");
}
TEST(Wgmma, MisalignedPatternIsFound) { expect_fault({.shift = 128}, Fault::misaligned, "pattern"); }
TEST(Wgmma, MemoryOutOfBoundsIsFound) {
  expect_fault({.shift = 48 << 10}, Fault::out_of_bounds, "dynamic shared memory");
}
TEST(Wgmma, UnknownBitsAreFound) { expect_fault({.more_bits = uint64_t{1} << 46}, Fault::misaligned, "bits"); }
TEST(Wgmma, BaseOffsetIsFound) { expect_fault({.more_bits = uint64_t{3} << 49}, Fault::misaligned, "base offset"); }
TEST(Wgmma, MissingThreadIsFound) { expect_fault({.leaves = 77}, Fault::barrier, "waits forever"); }
TEST(Wgmma, ThreadWithAnotherDescriptorIsFound) { expect_fault({.differs = 40}, Fault::barrier, "another wgmma"); }

__global__ void half_a_warpgroup(Global<float> c) {
  VQ_DYNAMIC_SHARED(memory);
  Accumulator<64> sums;
  wgmma_fence();
  wgmma<false>(sums, rows_of_panels(shared_address(memory, 0)), rows_of_panels(shared_address(memory, 0)), false);
  wgmma_commit();
  wgmma_wait<0>(sums);
  c[0] = 0;
}
TEST(Wgmma, BlockWithoutAWholeWarpgroupIsFound) {
  Array<float> c(1);
  try {
    launch({1, 64, nullptr, 4096}, half_a_warpgroup, c.device());
    ADD_FAILURE();
  } catch (const KernelFault& e) {
    EXPECT_EQ(e.faults.at(0).kind, Fault::barrier) << e.what();
  }
}

// Two wgmmas of different groups: with one group pending, only the first one's sums may be read.
__global__ void two_groups(Global<float> c, bool second) {
  VQ_DYNAMIC_SHARED(memory);
  const int thread = static_cast<int>(threadIdx.x);
  const int first = static_cast<int>(-shared_address(memory, 0) & 1023);
  for (int i = thread; i < 64 * 32; i += 128) *retyped<uint32_t>(memory + (first + 4 * i)) = 0x3f803f80;  // ones
  shared_fence();
  __syncthreads();
  Accumulator<64> x, y;
  const MatrixDescriptor ones = rows_of_panels(shared_address(memory, first));
  wgmma_fence();
  wgmma<false>(x, ones, ones, false);
  wgmma_commit();
  wgmma<false>(y, ones, ones, false);
  wgmma_commit();
  wgmma_wait<1>(x);
  const float got = second ? y[0] : x[0];
  wgmma_wait<0>(y);
  c[thread] = got;
}
TEST(Wgmma, WaitLeavesTheNewestGroups) {
  Array<float> c(128);
  launch({1, 128, nullptr, 1024 + 8192}, two_groups, c.device(), false);
  for (float x : c.values) EXPECT_EQ(x, 16);
  EXPECT_THROW(launch({1, 128, nullptr, 1024 + 8192}, two_groups, c.device(), true), KernelFault);
}

}  // namespace
}  // namespace vq::test
