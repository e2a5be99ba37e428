// Attention of ops/cuda on simulated GPU sizes, which determine the tiles and where they are split, and with wgmma.
// tests/backend/test_attention.cpp tests the op on the actual GPU.
#include "ops/cuda/attention/check.h"
#include "ops/cuda/device.h"
#include "tests/attention.h"
#include "tests/backend/device_pair.h"

namespace vq::test {
namespace {

// A GPU of a given size.
class AttentionRunner {
 public:
  explicit AttentionRunner(const AttentionCase& c, int multiprocessors = 1, bool large_shared = true,
                           bool wgmma = false)
      : attention_({multiprocessors, large_shared, wgmma}, [this](void* to, const void* from, size_t bytes) {
          uploads++;
          device_.upload(to, from, bytes);
          device_.synchronize();  // the kernels run on another stream
        }) {
    const int64_t rows = std::max(c.q_rows, c.k_rows);
    workspace_ = device_.alloc(attention_.grown_bytes(rows, c.shape));
    attention_.set_workspace(workspace_, rows, c.shape);
  }
  ~AttentionRunner() { device_.free(workspace_); }
  template <class... Arguments>
  void attention(const Arguments&... arguments) {
    device_.synchronize();
    attention_.forward(nullptr, arguments...);
  }
  template <class... Arguments>
  void attention_backward(const Arguments&... arguments) {
    device_.synchronize();
    attention_.backward(nullptr, arguments...);
  }
  void finish() { cuda::synchronize(nullptr); }
  int uploads = 0;

 private:
  Device& device_ = DevicePair::get()[candidate];
  void* workspace_ = nullptr;
  cuda::Attention attention_;

 public:
  DeviceCopies copies{device_};
};

// The simulator runs everything; GPUs need capability 9.0.
bool wgmma_runs() { return !VQ_ON_GPU || DevicePair::get()[candidate].info().instructions.starts_with("sm_90"); }

// The same, followed by a window of at least three tiles of 128 stacked rows: kernels with wgmma run if most tiles are
// full.
AttentionCase beside_full_tiles(AttentionCase c) {
  const auto begin = static_cast<int32_t>(c.q_rows), keys = static_cast<int32_t>(c.k_rows);
  const int32_t group = c.shape.heads / c.shape.kv_heads, length = (3 * 128 + group - 1) / group;
  c.segments.push_back({begin, length, static_cast<int32_t>(c.ranges.size()), 1});
  c.ranges.push_back({keys, length});
  for (int32_t i = 0; i < length; i++) c.visible.push_back(i + 1);
  c.q_rows += length;
  c.k_rows += length;
  return c;
}

void expect_training(const AttentionCase& c, int64_t pad, bool large_shared, bool wgmma = false) {
  AttentionRunner gpu(c, large_shared ? 1 : 2, large_shared, wgmma);
  const std::string where = std::string(large_shared ? "" : " small") + (wgmma ? " wgmma" : "");
  test::expect_training(gpu, c, DType::bf16, pad, where);
  EXPECT_EQ(gpu.uploads, 2) << c.name << where << ": the tables of a plan must be uploaded once per pass";
}

TEST(CudaAttention, TilesOfLargeGpusMatchReference) {
  for (const AttentionCase& c : training_cases()) expect_training(c, c.shape.head_dim % 8 == 0 ? 8 : 3, true);
}

TEST(CudaAttention, TilesOfSmallGpusMatchReference) {
  for (const AttentionCase& c : training_cases()) expect_training(c, 1, false);
}

TEST(CudaAttention, WarpgroupsMatchReference) {
  if (!wgmma_runs()) GTEST_SKIP() << "this GPU has no wgmma";
  for (const AttentionCase& c : training_cases())
    expect_training(beside_full_tiles(c), c.shape.head_dim % 8 == 0 ? 8 : 3, true, true);
  // Several blocks of keys and stages of queries, rows of several tiles, and a second tile of keys.
  expect_training(windows("long", shape_of(2, 1, 128), {200, 75}), 0, true, true);
}

// Stages of shared memory are used again and again: with 18 blocks of keys, or 10 in the simulator, a stage that is
// refilled too early is one that is still read.
TEST(CudaAttention, WarpgroupsGoRoundEveryRing) {
  if (!wgmma_runs()) GTEST_SKIP() << "this GPU has no wgmma";
  const int32_t length = VQ_ON_GPU ? 1100 : 580;
  for (int head_dim : {64, 128}) expect_training(windows("long", shape_of(1, 1, head_dim), {length}), 0, true, true);
}

// Attention as a training step of Qwen3-8B has it, against the reference kernels in f32: two independent
// implementations, at the only size at which a fault may show.
TEST(CudaAttention, RealSizeMatchesReferenceKernels) {
  if (!VQ_ON_GPU) GTEST_SKIP() << "too large for the simulator";
  const AttentionCase c = windows("real size", shape_of(32, 8, 128), {4096});
  const AttentionRun narrow(c, DType::bf16, 0), exact(c, DType::f32, 0);
  // The same numbers: those of bf16.
  for (const auto& [to, from] : {std::pair{&exact.q, &narrow.q}, {&exact.kv, &narrow.kv}, {&exact.dout, &narrow.dout}})
    for (int64_t r = 0; r < from->rows(); r++)
      for (int64_t i = 0; i < from->cols(); i++) const_cast<Matrix*>(to)->set(r, i, from->get(r, i));
  AttentionRunner reference(c, 132), runner(c, 132, true, wgmma_runs());
  for (const auto& [run, on] : {std::pair{&exact, &reference}, {&narrow, &runner}}) {
    run->forward(*on, c);
    run->backward(*on, c);
  }
  expect_near(narrow.o, exact.o, kBf16Bound, "o");
  expect_near(narrow.lse, exact.lse, kF32Bound, "lse");
  expect_near(narrow.dq, exact.dq, {2e-2, 6e-5}, "dq");
  expect_near(narrow.dkv, exact.dkv, {2e-2, 6e-5}, "dk, dv");
}

// Capability 8.7 has room for tall tiles, but runs the code of 8.6, which has none.
TEST(CudaAttention, OrinTakesNoTallTiles) {
  cuda::Gpu gpu;
  gpu.multiprocessors = 16;
  gpu.shared_bytes = size_t{163} << 10;
  gpu.major = 8;
  EXPECT_TRUE(cuda::attention_gpu(gpu).large_shared);
  gpu.minor = 7;
  EXPECT_FALSE(cuda::attention_gpu(gpu).large_shared);
}

// The check that runs when a GPU of capability 9.0 is opened, in the simulator with 10 blocks of keys rather than 18.
TEST(CudaAttention, WgmmaPassesTheOpeningCheck) {
  if (!wgmma_runs()) GTEST_SKIP() << "this GPU has no wgmma";
  cuda::CudaDevice device(0);
  device.try_wgmma(VQ_ON_GPU ? cuda::kOpeningRows : 580);
  EXPECT_TRUE(device.info().instructions.ends_with(", wgmma")) << device.info().instructions;
}

TEST(CudaAttention, CheckNamesWrongResults) {
  const std::vector<float> values = {1, -2, 0.5, 0.25};
  const cuda::AttentionResults want = {values, values, values, values, values};
  EXPECT_EQ(cuda::different_result(want, want), "");
  cuda::AttentionResults got = want;
  got.dq[2] = 0.505f;  // a rounding
  EXPECT_EQ(cuda::different_result(got, want), "");
  got.dk[1] = -1.9f;
  EXPECT_EQ(cuda::different_result(got, want), "dk");
  got.lse[3] = NAN;
  EXPECT_EQ(cuda::different_result(got, want), "lse");
}

// With more multiprocessors, tiles are split along the keys.
TEST(CudaAttention, SplitTilesMatchReference) {
  for (const AttentionCase& c : inference_cases()) {
    const AttentionRun run(c, DType::bf16, 0), want = f32_reference(run, c, false);
    AttentionRunner gpu(c, 5);
    ASSERT_NO_THROW(run.forward(gpu, c)) << c.name;
    expect_near(run.o, want.o, kBf16Bound, c.name + " o");
    expect_near(run.lse, want.lse, kF32Bound, c.name + " lse");
  }
}

// Long rows of few queries are split in both passes, and the parts add up.
TEST(CudaAttention, FewRowsOnALargeGpuMatchReference) {
  const AttentionCase c = window_rows("few rows", shape_of(4, 1, 64), {{400, {399, 5, 200}}, {70, {69}}});
  const AttentionRun run(c, DType::bf16, 0), want = f32_reference(run, c, true);
  AttentionRunner gpu(c, 6);
  run.forward(gpu, c);
  run.backward(gpu, c);
  expect_near(run.o, want.o, kBf16Bound, "o");
  expect_near(run.lse, want.lse, kF32Bound, "lse");
  expect_near(run.dq, want.dq, {2e-2, 6e-5}, "dq");
  expect_near(run.dkv, want.dkv, {2e-2, 6e-5}, "dk, dv");
}

TEST(CudaAttention, MoreRangesThanFitAreComputedInParts) {
  AttentionCase c{"pieces", shape_of(1, 1, 64), {}, {}, {}, 40, 200};
  for (int32_t row = 0; row < 40; row++) {
    c.segments.push_back({row, 1, static_cast<int32_t>(c.ranges.size()), 400});
    for (int32_t r = 0; r < 400; r++) c.ranges.push_back({(r * 7 + row) % 199, r % 100 == 99 ? 1 : 0});
    c.visible.push_back(1);
  }
  const AttentionRun run(c, DType::bf16, 0), want = f32_reference(run, c, false);
  AttentionRunner gpu(c);
  run.forward(gpu, c);
  EXPECT_GT(gpu.uploads, 1);
  expect_near(run.o, want.o, kBf16Bound, "o");
}

}  // namespace
}  // namespace vq::test
