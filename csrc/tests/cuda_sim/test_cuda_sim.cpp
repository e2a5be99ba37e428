// The shim that runs CUDA kernels on the CPU: it runs them like a GPU and detects their faults.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "ops/cuda/cuda.h"
#include "ops/cuda/device.h"
#include "ops/cuda/rows.h"

namespace vq::cuda {
namespace {

using cuda_sim::Fault;
using cuda_sim::KernelFault;

// Memory that kernels may touch.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t count, T value = {}) : values(count, value) {
    cuda_sim::add_global(values.data(), count * sizeof(T));
  }
  ~DeviceArray() { cuda_sim::remove_global(values.data()); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* data() { return values.data(); }
  std::vector<T> values;
};

// The kinds of fault of a launch; empty if there were none.
template <class... Parameters, class... Arguments>
std::vector<Fault::Kind> faults_of(const Launch& how, void (*kernel)(Parameters...), Arguments&&... arguments) {
  std::vector<Fault::Kind> kinds;
  try {
    launch(how, kernel, arguments...);
  } catch (const KernelFault& e) {
    for (const Fault& f : e.faults) kinds.push_back(f.kind);
    std::sort(kinds.begin(), kinds.end());
    kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  }
  return kinds;
}
const std::vector<Fault::Kind> kRight;
std::vector<Fault::Kind> only(Fault::Kind k) { return {k}; }

// --- it runs kernels -------------------------------------------------------------------------------------------------

__global__ void write_indices(Global<int> out) {
  const int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const int at = block * blockDim.x * blockDim.y * blockDim.z + thread;
  out[at] = at;
}

TEST(CudaSim, RunsEveryThreadOfEveryBlock) {
  DeviceArray<int> out(2 * 3 * 2 * 4 * 3 * 2);
  launch(Launch{{2, 3, 2}, {4, 3, 2}, nullptr}, write_indices, out.data());
  std::vector<int> want(out.values.size());
  std::iota(want.begin(), want.end(), 0);
  EXPECT_EQ(out.values, want);
}

__global__ void block_sum(Global<float> out, Global<const float> x, int n) {
  VQ_SHARED(float, part, 4);
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) sum += x[blockIdx.x * n + i];
  for (int lanes = 16; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(0xffffffff, sum, lanes);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = part[0] + part[1] + part[2] + part[3];
}

TEST(CudaSim, BlockSums) {
  DeviceArray<float> x(300), out(3);
  std::iota(x.values.begin(), x.values.end(), 1.0f);
  launch(Launch{3, 128, nullptr}, block_sum, out.data(), x.data(), 100);
  EXPECT_EQ(out.values, (std::vector<float>{5050, 15050, 25050}));
}

__global__ void all_shuffles(Global<int> out, int width) {
  const int lane = threadIdx.x;
  out[lane] = __shfl_sync(0xffffffff, lane, 5, width);
  out[32 + lane] = __shfl_xor_sync(0xffffffff, lane, 3, width);
  out[64 + lane] = __shfl_down_sync(0xffffffff, lane, 2, width);
  out[96 + lane] = __shfl_up_sync(0xffffffff, lane, 2, width);
}

TEST(CudaSim, ShufflesMatchTheManual) {
  for (int width : {8, 16, 32}) {
    DeviceArray<int> out(128);
    launch(Launch{1, 32, nullptr}, all_shuffles, out.data(), width);
    for (int lane = 0; lane < 32; lane++) {
      const int begin = lane / width * width;
      EXPECT_EQ(out.values[lane], begin + 5);
      EXPECT_EQ(out.values[32 + lane], lane ^ 3);
      EXPECT_EQ(out.values[64 + lane], lane + 2 < begin + width ? lane + 2 : lane);
      EXPECT_EQ(out.values[96 + lane], lane - 2 >= begin ? lane - 2 : lane);
    }
  }
}

__global__ void half_warps(Global<double> out) {
  // Each half meets by itself, the upper one more often.
  const bool upper = threadIdx.x >= 16;
  const uint32_t mask = upper ? 0xffff0000 : 0x0000ffff;
  double sum = threadIdx.x;
  for (int lanes = 8; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(mask, sum, lanes);
  if (upper) sum = __shfl_sync(mask, sum * 2, 16);
  const uint32_t votes = __ballot_sync(0xffffffff, threadIdx.x % 3 == 0);
  if (threadIdx.x % 16 == 0) out[threadIdx.x / 16] = sum;
  if (threadIdx.x == 0) out[2] = votes;
  if (threadIdx.x == 1) out[3] = __all_sync(2, 1) && !__any_sync(2, 0);
}

TEST(CudaSim, ShufflesSynchronizeOnlyTheirMask) {
  DeviceArray<double> out(4);
  launch(Launch{1, 32, nullptr}, half_warps, out.data());
  EXPECT_EQ(out.values, (std::vector<double>{120, 2 * 376, 0x49249249, 1}));
}

__global__ void count_all(Global<int> counter, Global<int> largest) {
  atomicAdd(counter, 1);
  atomicMax(largest, static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x));
}

TEST(CudaSim, AtomicsDoNotRace) {
  DeviceArray<int> counter(1), largest(1);
  launch(Launch{5, 40, nullptr}, count_all, counter.data(), largest.data());
  EXPECT_EQ(counter.values[0], 200);
  EXPECT_EQ(largest.values[0], 199);
}

__global__ void reverse_dynamic(Global<uint4> x) {
  VQ_DYNAMIC_SHARED(bytes);
  const Shared<uint4> s = retyped<uint4>(bytes + 32);
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}

TEST(CudaSim, DynamicSharedMemoryIsOneArray) {
  DeviceArray<uint4> x(64);
  for (uint32_t i = 0; i < 64; i++) x.values[i] = {i, 0, 0, 1};
  launch(Launch{1, 64, nullptr, 64 * 16 + 32}, reverse_dynamic, x.data());
  for (uint32_t i = 0; i < 64; i++) EXPECT_EQ(x.values[i].x, 63 - i);
  EXPECT_EQ(faults_of(Launch{1, 64, nullptr, 64 * 16 + 31}, reverse_dynamic, x.data()), only(Fault::out_of_bounds));
}

TEST(CudaSim, Bf16RoundsToNearestEvenAndKeepsNan) {
  const auto through = [](float x) { return __bfloat162float(__float2bfloat16_rn(x)); };
  EXPECT_EQ(through(1.0f + 0x1p-8f), 1.0f);
  EXPECT_EQ(through(1.0f + 0x3p-8f), 1.0f + 0x4p-8f);
  EXPECT_EQ(through(-3.0f), -3.0f);
  EXPECT_TRUE(std::isinf(through(3.4e38f)));
  EXPECT_TRUE(std::isnan(through(std::nanf(""))));
}

// --- it finds what they do wrong -------------------------------------------------------------------------------------

// Threads pass a value to their neighbor through memory: by a barrier of the block or of the warp, or by none.
enum Between { nothing, warp_barrier, block_barrier };

template <class Memory>
__device__ void pass_on(const Memory& m, Between between) {
  m[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (between == warp_barrier) __syncwarp();
  if (between == block_barrier) __syncthreads();
  const int got = m[(threadIdx.x + 1) % blockDim.x];
  if (between == warp_barrier) __syncwarp();
  if (between == block_barrier) __syncthreads();
  m[threadIdx.x] = got;
}
__global__ void pass_on_in_shared(Between between) {
  VQ_SHARED(int, m, 64);
  pass_on(m, between);
}
__global__ void pass_on_in_global(Global<int> m, Between between) { pass_on(m, between); }

TEST(CudaSim, FindsReadAfterWriteRaces) {
  DeviceArray<int> m(64);
  for (int threads : {32, 64}) {
    const bool warp_is_enough = threads == 32;
    for (Between between : {nothing, warp_barrier, block_barrier}) {
      const bool right = between == block_barrier || (between == warp_barrier && warp_is_enough);
      std::vector<Fault::Kind> want = right ? kRight : only(Fault::race);
      EXPECT_EQ(faults_of(Launch{1, threads, nullptr}, pass_on_in_global, m.data(), between), want)
          << threads << " " << between;
      // Without a barrier a neighbor's word may not have been written at all.
      const std::vector<Fault::Kind> found = faults_of(Launch{1, threads, nullptr}, pass_on_in_shared, between);
      EXPECT_EQ(found.empty(), right) << threads << " " << between;
      if (!right) {
        EXPECT_EQ(found.front(), Fault::race);
      }
    }
  }
}

// All read a word that one of them then writes.
__global__ void write_after_reads(Global<int> m, int writer, bool barrier) {
  const int old = m[0];
  if (barrier) __syncthreads();
  if (static_cast<int>(threadIdx.x) == writer) m[0] = old + 1;
}

TEST(CudaSim, FindsWriteAfterReadRaces) {
  DeviceArray<int> m(1);
  for (int threads : {2, 33, 70}) {
    for (int writer = 0; writer < threads; writer++) {
      EXPECT_EQ(faults_of(Launch{1, threads, nullptr}, write_after_reads, m.data(), writer, false), only(Fault::race));
      EXPECT_EQ(faults_of(Launch{1, threads, nullptr}, write_after_reads, m.data(), writer, true), kRight);
    }
  }
}

// Two threads read; after a barrier one reads again and the other writes.
__global__ void stale_reader(Global<int> m, int reader, int writer) {
  const int thread = threadIdx.x;
  int seen = 0;
  if (thread == reader || thread == writer) seen = m[0];
  __syncthreads();
  if (thread == reader) seen += m[0];
  if (thread == writer) m[0] = seen;
}

TEST(CudaSim, FindsTheReaderSinceTheLastBarrier) {
  DeviceArray<int> m(1);
  for (int reader : {0, 1, 40}) {
    for (int writer : {2, 41, 66}) {
      EXPECT_EQ(faults_of(Launch{1, 70, nullptr}, stale_reader, m.data(), reader, writer), only(Fault::race));
    }
  }
}

__global__ void every_block_writes(Global<int> m) {
  if (threadIdx.x == 0) m[0] = 1;
}
__global__ void last_block_writes(Global<int> m) {
  const int old = m[0];
  __syncthreads();
  if (blockIdx.x + 1 == gridDim.x && threadIdx.x == 0) m[0] = old;
}

TEST(CudaSim, RunsBlocksOutOfOrder) {
  DeviceArray<int> m(1);
  EXPECT_EQ(faults_of(Launch{2, 32, nullptr}, every_block_writes, m.data()), only(Fault::race));
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, every_block_writes, m.data()), kRight);
  EXPECT_EQ(faults_of(Launch{2, 32, nullptr}, last_block_writes, m.data()), only(Fault::race));
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, last_block_writes, m.data()), kRight);
}

__global__ void halves_of_a_word(Global<bf16> m, bool same) { m[same ? 0 : threadIdx.x] = from_float<bf16>(1); }
__global__ void add_beside_atomics(Global<int> m) {
  if (threadIdx.x < 32) {
    atomicAdd(m, 1);
  } else if (threadIdx.x == 32) {
    m[0] = 3;
  }
}

TEST(CudaSim, RacesDependOnTheBytesTouched) {
  DeviceArray<bf16> halves(2);
  EXPECT_EQ(faults_of(Launch{1, 2, nullptr}, halves_of_a_word, halves.data(), false), kRight);
  EXPECT_EQ(faults_of(Launch{1, 2, nullptr}, halves_of_a_word, halves.data(), true), only(Fault::race));
  DeviceArray<int> m(1);
  EXPECT_EQ(faults_of(Launch{1, 64, nullptr}, add_beside_atomics, m.data()), only(Fault::race));
}

__global__ void read_at(Global<float> out, Global<const float> x, int64_t at) { out[0] = x[at]; }
__global__ void write_at(Global<float> x, int64_t at) { x[at] = 1; }
__global__ void write_shared_at(int64_t at) {
  VQ_SHARED(float, a, 8);
  VQ_SHARED(float, b, 8);
  a[at] = 1;
  b[0] = 1;
}

TEST(CudaSim, FindsAccessesOutsideOfAnAllocation) {
  DeviceArray<float> out(1), x(10);
  for (int64_t at : {0, 9}) {
    EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, read_at, out.data(), x.data(), at), kRight);
    EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, write_at, x.data(), at), kRight);
  }
  for (int64_t at : {-1, 10, 1 << 20}) {
    EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, read_at, out.data(), x.data(), at), only(Fault::out_of_bounds));
    EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, write_at, x.data(), at), only(Fault::out_of_bounds));
  }
  // Into its neighbor, which is memory of the device too.
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, read_at, out.data(), x.data(), int64_t{out.data() - x.data()}),
            only(Fault::out_of_bounds));
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, write_shared_at, 7), kRight);
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, write_shared_at, 8), only(Fault::out_of_bounds));
  float host = 0;
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, write_at, &host, 0), only(Fault::out_of_bounds));
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, write_at, nullptr, 0), only(Fault::out_of_bounds));
}

__global__ void read_four(Global<float> out, Global<const float> x, int first) {
  const float4 v = retyped<const float4>(x + first)[0];
  out[0] = v.x + v.w;
}

TEST(CudaSim, FindsMisalignedAccesses) {
  DeviceArray<float> out(1);
  DeviceArray<float4> x(4);
  float* floats = &x.values[0].x;
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, read_four, out.data(), floats, 4), kRight);
  for (int first : {1, 2, 7}) {
    EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, read_four, out.data(), floats, first), only(Fault::misaligned));
  }
}

__global__ void read_shared(Global<float> out, int written) {
  VQ_SHARED(float, s, 4);
  for (int i = 0; i < written; i++) s[i] = 1;
  out[blockIdx.x] = s[3];
}

TEST(CudaSim, FindsUninitializedSharedMemory) {
  DeviceArray<float> out(2);
  EXPECT_EQ(faults_of(Launch{2, 1, nullptr}, read_shared, out.data(), 4), kRight);
  EXPECT_EQ(faults_of(Launch{2, 1, nullptr}, read_shared, out.data(), 3), only(Fault::uninitialized));
}

__global__ void write_in_first_block(Global<float> out) {
  VQ_SHARED(float, s, 1);
  if (blockIdx.x == 0) s[0] = 1;
  out[blockIdx.x] = s[0];
}

TEST(CudaSim, SharedMemoryEndsWithItsBlock) {
  DeviceArray<float> out(2);
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, write_in_first_block, out.data()), kRight);
  EXPECT_EQ(faults_of(Launch{2, 1, nullptr}, write_in_first_block, out.data()), only(Fault::uninitialized));
}

__global__ void some_wait(int waiting, bool elsewhere) {
  if (static_cast<int>(threadIdx.x) < waiting) {
    __syncthreads();
  } else if (elsewhere) {
    __syncthreads();
  } else {
    __shfl_sync(0xffffffff, 0, 0);
  }
}
__global__ void shuffle_without(int lane) {
  if (static_cast<int>(threadIdx.x) != lane) __shfl_sync(0xffffffff, 0, 0);
}
__global__ void shuffle_outside_the_mask() { __shfl_sync(0x1, 0, 0); }
__global__ void different_operations() {
  if (threadIdx.x < 16) {
    __shfl_sync(0xffffffff, 0, 0);
  } else {
    __ballot_sync(0xffffffff, 1);
  }
}
__global__ void one_leaves_early() {
  if (threadIdx.x == 3) return;
  __syncthreads();
}

TEST(CudaSim, FindsDeadlocks) {
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, some_wait, 32, false), kRight);
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, some_wait, 0, false), kRight);
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, some_wait, 16, false), only(Fault::barrier));
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, some_wait, 16, true), only(Fault::barrier));
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, shuffle_without, 40), kRight);
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, shuffle_without, 4), only(Fault::barrier));
  EXPECT_EQ(faults_of(Launch{1, 31, nullptr}, shuffle_without, 40), only(Fault::barrier));
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, shuffle_outside_the_mask), only(Fault::barrier));
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, different_operations), only(Fault::barrier));
  EXPECT_EQ(faults_of(Launch{1, 32, nullptr}, one_leaves_early), kRight);
}

__global__ void too_much_static() {
  VQ_SHARED(float, s, 12 * 1024 + 1);
  s[0] = 1;
}

TEST(CudaSim, RefusesImpossibleLaunches) {
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr}, too_much_static), only(Fault::limit));
  EXPECT_EQ(faults_of(Launch{1, 1, nullptr, 228 << 10}, one_leaves_early), only(Fault::limit));
  EXPECT_THROW(launch(Launch{1, 1025, nullptr}, one_leaves_early), std::logic_error);
  EXPECT_THROW(launch(Launch{0, 32, nullptr}, one_leaves_early), std::logic_error);
}

__global__ void sums_twice(Global<float> out, Global<const float> x) {
  const float v = x[threadIdx.x];
  const float sum = vq::cuda::block_sum<float>(v);
  out[threadIdx.x] = vq::cuda::block_sum<float>(v * sum);
}

TEST(CudaSim, BlockSumsRepeatedly) {
  DeviceArray<float> x(96, 1), out(96);
  launch(Launch{1, 96, nullptr}, sums_twice, out.data(), x.data());
  cuda_sim::synchronize_all();
  for (float y : out.values) EXPECT_EQ(y, 96 * 96);
}

TEST(CudaSim, FailedGpuClosesWithoutError) {
  auto device = std::make_unique<CudaDevice>(0);
  void* p = device->alloc(64);
  cuda_sim::fail_card(true);
  EXPECT_THROW(device->synchronize(), Error);
  device->free(p);
  device.reset();
  cuda_sim::fail_card(false);
}

TEST(CudaSim, ReportsNamePlaceAndThread) {
  DeviceArray<int> m(1);
  try {
    launch(Launch{1, 2, nullptr}, write_after_reads, m.data(), 1, false);
    FAIL() << "no fault was found";
  } catch (const KernelFault& e) {
    EXPECT_NE(std::string(e.what()).find("test_cuda_sim.cpp"), std::string::npos) << e.what();
    EXPECT_NE(
        std::string(e.what()).find("block 0, thread 1 writes 4 bytes at offset 0 of global memory of 4 bytes that "
                                   "thread 0 of block 0 read"),
        std::string::npos)
        << e.what();
  }
}

}  // namespace
}  // namespace vq::cuda
