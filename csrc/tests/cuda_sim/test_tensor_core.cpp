// The tensor-core instructions on the CPU (tests/cuda_sim): their layouts compared with a plain GEMM and with single
// entries of the tables in the PTX ISA, and detection of incorrect use by kernels.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "ops/cuda/attention/tile.h"
#include "tests/global_array.h"

namespace vq::test {
namespace {

using namespace vq::cuda;
using cuda_sim::Fault;
using cuda_sim::KernelFault;

// c[16, 8] = a[16, 16] b, with b [16, 8], or [8, 16] and meant transposed. All go through shared memory.
__global__ void multiply(Global<float> c, Global<const bf16> a, Global<const bf16> b, bool b_by_columns) {
  VQ_DYNAMIC_SHARED(memory);
  const int lane = static_cast<int>(threadIdx.x), row = lane % 16, half = lane / 16;
  copy_16(memory, row * 32 + half * 16, a + row * 16 + half * 8, true);
  if (lane < 16) copy_16(memory, 512 + lane * 16, b + lane * 8, true);
  copies_commit();
  copies_wait<0>();
  __syncthreads();
  uint32_t fa[4], fb[2];
  load_matrices(fa, memory, lane % 16 * 32 + lane / 16 * 16);
  if (b_by_columns) {
    load_matrices(fb, memory, 512 + lane % 8 * 32 + lane / 8 % 2 * 16);
  } else {
    load_matrices_transposed(fb, memory, 512 + lane % 16 * 16);
  }
  float fc[4] = {1, 1, 1, 1};
  mma_bf16(fc, fa, fb[0], fb[1]);
  for (int i = 0; i < 4; i++) c[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = fc[i];
}

TEST(TensorCore, MmaMultipliesFragments) {
  for (bool by_columns : {false, true}) {
    Array<bf16> a(256), b(128);
    Array<float> c(128);
    const std::vector<float> x = fill(a, 1), y = fill(b, 2);
    launch({1, 32, nullptr, 1024}, multiply, c.device(), a.device(), b.device(), by_columns);
    for (size_t m = 0; m < 16; m++)
      for (size_t n = 0; n < 8; n++) {
        double want = 1;
        for (size_t k = 0; k < 16; k++) want += double{x[m * 16 + k]} * (by_columns ? y[n * 16 + k] : y[k * 8 + n]);
        EXPECT_NEAR(c.values[m * 8 + n], want, 1e-5) << m << ", " << n << ", " << by_columns;
      }
  }
}

// Entries of the tables by hand: lane 6 is group 1, thread 2 of it.
TEST(TensorCore, FragmentLayoutMatchesThePtxIsa) {
  using namespace cuda_sim;
  EXPECT_EQ(mma_a_row(6, 0), 1);
  EXPECT_EQ(mma_a_col(6, 0, 1), 5);
  EXPECT_EQ(mma_a_row(6, 1), 9);
  EXPECT_EQ(mma_a_col(6, 1, 0), 4);
  EXPECT_EQ(mma_a_row(6, 2), 1);
  EXPECT_EQ(mma_a_col(6, 2, 0), 12);
  EXPECT_EQ(mma_a_row(6, 3), 9);
  EXPECT_EQ(mma_a_col(6, 3, 1), 13);
  EXPECT_EQ(mma_b_row(6, 0, 1), 5);
  EXPECT_EQ(mma_b_row(6, 1, 0), 12);
  EXPECT_EQ(mma_b_col(6), 1);
  EXPECT_EQ(mma_c_row(6, 1), 1);
  EXPECT_EQ(mma_c_col(6, 1), 5);
  EXPECT_EQ(mma_c_row(6, 2), 9);
  EXPECT_EQ(mma_c_col(6, 2), 4);
}

// Each lane stores what it got of matrices whose element [r][c] of matrix m is 100 m + 10 r + c.
template <int count, bool transposed>
__global__ void load(Global<uint32_t> out, Global<const uint16_t> in) {
  VQ_DYNAMIC_SHARED(memory);
  const int lane = static_cast<int>(threadIdx.x);
  copy_16(memory, 16 * lane, in + 8 * lane, true);
  copies_commit();
  copies_wait<0>();
  __syncthreads();
  uint32_t got[count];
  if (transposed) {
    load_matrices_transposed(got, memory, 16 * lane);
  } else {
    load_matrices(got, memory, 16 * lane);
  }
  for (int m = 0; m < count; m++) out[4 * lane + m] = got[m];
}

template <int count, bool transposed>
void expect_loaded() {
  Array<uint16_t> in(256);
  for (size_t i = 0; i < 256; i++) in.values[i] = static_cast<uint16_t>(i / 64 * 100 + i / 8 % 8 * 10 + i % 8);
  Array<uint32_t> out(128);
  launch({1, 32, nullptr, 512}, load<count, transposed>, out.device(), in.device());
  for (uint32_t lane = 0; lane < 32; lane++)
    for (uint32_t m = 0; m < count; m++) {
      const uint32_t g = lane / 4, t = lane % 4 * 2, step = transposed ? 10 : 1;
      const uint32_t first = 100 * m + (transposed ? 10 * t + g : 10 * g + t);
      EXPECT_EQ(out.values[4 * lane + m], first | (first + step) << 16) << "lane " << lane << ", matrix " << m;
    }
}

TEST(TensorCore, LoadsMatrices) {
  expect_loaded<1, false>();
  expect_loaded<1, true>();
  expect_loaded<2, false>();
  expect_loaded<2, true>();
  expect_loaded<4, false>();
  expect_loaded<4, true>();
}

// 64 threads copy 16 bytes each; then both warps read what the first copied.
struct Exchange {
  bool wait = true, barrier = true;
  bool again = false;         // copies once more into what others may still read
  bool barrier_again = true;  // ... after a barrier
  bool exists = true;
  int shift = 0;   // bytes, of the target
  int beyond = 0;  // elements, of the source
};

__global__ void exchange(Global<uint32_t> out, Global<const uint32_t> in, Exchange how) {
  VQ_DYNAMIC_SHARED(memory);
  const int i = static_cast<int>(threadIdx.x);
  copy_16(memory, 16 * i + how.shift, in + 4 * i + how.beyond, how.exists);
  copies_commit();
  if (how.wait) copies_wait<0>();
  if (how.barrier) __syncthreads();
  const Shared<uint32_t> words = retyped<uint32_t>(memory);
  const uint32_t got = words[4 * (i % 32)];
  out[i] = got;
  if (how.again) {
    if (how.barrier_again) __syncthreads();
    copy_16(memory, 16 * i, in + 4 * i, true);
    copies_commit();
  }
  copies_wait<0>();
}

void run_exchange(const Exchange& how, Array<uint32_t>& out) {
  Array<uint32_t> in(256);
  for (uint32_t i = 0; i < 256; i++) in.values[i] = i;
  launch({1, 64, nullptr, 1024}, exchange, out.device(), in.device(), how);
}

void expect_fault(const Exchange& how, Fault::Kind kind, const char* text) {
  Array<uint32_t> out(64);
  try {
    run_exchange(how, out);
    ADD_FAILURE() << "nothing was found of: " << text;
  } catch (const KernelFault& e) {
    EXPECT_EQ(e.faults.at(0).kind, kind) << e.what();
    EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
  }
}

TEST(AsyncCopies, ArriveAfterWaitAndBarrier) {
  Array<uint32_t> out(64);
  run_exchange({.again = true}, out);
  for (uint32_t i = 0; i < 64; i++) EXPECT_EQ(out.values[i], 4 * (i % 32));
}

TEST(AsyncCopies, WithoutSourceWriteZeros) {
  Array<uint32_t> out(64);
  run_exchange({.exists = false, .beyond = 10000}, out);  // the source may be anywhere
  for (uint32_t i = 0; i < 64; i++) EXPECT_EQ(out.values[i], 0u);
}

TEST(AsyncCopies, MissingWaitIsFound) { expect_fault({.wait = false}, Fault::race, "is pending"); }
TEST(AsyncCopies, MissingBarrierIsFound) { expect_fault({.barrier = false}, Fault::race, ""); }
TEST(AsyncCopies, OverwritingWhatOthersReadIsFound) {
  expect_fault({.again = true, .barrier_again = false}, Fault::race, "");
}
TEST(AsyncCopies, MisalignedTargetIsFound) { expect_fault({.shift = 8}, Fault::misaligned, "16"); }
TEST(AsyncCopies, TargetOutOfBoundsIsFound) { expect_fault({.shift = 16}, Fault::out_of_bounds, "1024"); }
TEST(AsyncCopies, MisalignedSourceIsFound) { expect_fault({.beyond = 1}, Fault::misaligned, "16"); }
TEST(AsyncCopies, SourceOutOfBoundsIsFound) { expect_fault({.beyond = 4}, Fault::out_of_bounds, "1024"); }

__global__ void never_waits(Global<const uint32_t> in) {
  VQ_DYNAMIC_SHARED(memory);
  copy_4(memory, 4 * static_cast<int>(threadIdx.x), in + threadIdx.x, true);
}
TEST(AsyncCopies, PendingAtTheEndAreFound) {
  Array<uint32_t> in(32);
  EXPECT_THROW(launch({1, 32, nullptr, 128}, never_waits, in.device()), KernelFault);
}

// Groups complete in order: with one left pending, only the first copy may be read.
__global__ void two_groups(Global<uint32_t> out, Global<const uint32_t> in, int read) {
  VQ_DYNAMIC_SHARED(memory);
  const int i = static_cast<int>(threadIdx.x);
  for (int group = 0; group < 2; group++) {
    copy_4(memory, 4 * (32 * group + i), in + 32 * group + i, true);
    copies_commit();
  }
  copies_wait<1>();
  const Shared<uint32_t> words = retyped<uint32_t>(memory);
  const uint32_t got = words[32 * read + i];
  out[i] = got;
  copies_wait<0>();
}
TEST(AsyncCopies, WaitLeavesTheNewestGroups) {
  Array<uint32_t> in(64), out(32);
  for (uint32_t i = 0; i < 64; i++) in.values[i] = i;
  launch({1, 32, nullptr, 256}, two_groups, out.device(), in.device(), 0);
  for (uint32_t i = 0; i < 32; i++) EXPECT_EQ(out.values[i], i);
  EXPECT_THROW(launch({1, 32, nullptr, 256}, two_groups, out.device(), in.device(), 1), KernelFault);
}

__global__ void without_a_lane(Global<float> out) {
  float c[4] = {};
  const uint32_t a[4] = {};
  if (threadIdx.x == 7) return;
  mma_bf16(c, a, 0, 0);
  out[threadIdx.x] = c[0];
}
TEST(TensorCore, MissingLaneIsFound) {
  Array<float> out(32);
  try {
    launch({1, 32, nullptr}, without_a_lane, out.device());
    ADD_FAILURE();
  } catch (const KernelFault& e) {
    EXPECT_EQ(e.faults.at(0).kind, Fault::barrier) << e.what();
  }
}

__global__ void reads_what_nobody_wrote(Global<uint32_t> out) {
  VQ_DYNAMIC_SHARED(memory);
  uint32_t got[4];
  load_matrices(got, memory, 16 * static_cast<int>(threadIdx.x));
  out[threadIdx.x] = got[0];
}
TEST(TensorCore, UninitializedMatrixIsFound) {
  Array<uint32_t> out(32);
  try {
    launch({1, 32, nullptr, 512}, reads_what_nobody_wrote, out.device());
    ADD_FAILURE();
  } catch (const KernelFault& e) {
    EXPECT_EQ(e.faults.at(0).kind, Fault::uninitialized) << e.what();
  }
}

// ldmatrix reads 8 rows of 16 bytes at once, and 8 threads of a copy write 16 bytes each at once: they must fall on all
// the banks of 128 bytes.
template <int dim>
void expect_all_banks() {
  constexpr int kChunks = dim / 8;
  for (int row = 0; row < 64; row += 8)
    for (int chunk = 0; chunk < kChunks; chunk++) {
      std::set<int> banks;
      for (int i = 0; i < 8; i++) banks.insert(tile_offset<dim>(row + i, chunk) % 128);
      EXPECT_EQ(banks.size(), 8u) << dim << ": rows from " << row << ", chunk " << chunk;
    }
  for (int first = 0; first < 64 * kChunks; first += 8) {
    std::set<int> banks;
    for (int i = first; i < first + 8; i++) banks.insert(tile_offset<dim>(i / kChunks, i % kChunks) % 128);
    EXPECT_EQ(banks.size(), 8u) << dim << ": copies from " << first;
  }
}
TEST(TensorCore, TilesHaveNoBankConflicts) {
  expect_all_banks<64>();
  expect_all_banks<96>();
  expect_all_banks<128>();
}

// The address that MatrixAddress computes for a lane's row is where tile_offset stored it.
template <int dim>
void expect_addresses() {
  for (int lane = 0; lane < 32; lane++)
    for (int block = 0; block < 2; block++)
      for (int step = 0; step < dim / 16; step++) {
        const MatrixAddress<dim> a(512, a_row(lane), a_half(lane)), b(512, b_row(lane), b_half(lane));
        EXPECT_EQ(a.at(block, step), 512 + tile_offset<dim>(16 * block + a_row(lane), 2 * step + a_half(lane)));
        EXPECT_EQ(b.at(block, step), 512 + tile_offset<dim>(16 * block + b_row(lane), 2 * step + b_half(lane)));
      }
}
TEST(TensorCore, MatrixAddressesMatchTheTile) {
  expect_addresses<64>();
  expect_addresses<96>();
  expect_addresses<128>();
}

}  // namespace
}  // namespace vq::test
