// Training and decoding through the C header: for sanitizers, and for checks that need no oracle. The Go tests of
// engine/ compare the same code with transformers' results. Runs on the CPU and again on CUDA.
#include "api/handles.h"
#include "api/worker.h"
#include "tests/model/model_test.h"
#if defined(VQ_ON_GPU) && !VQ_ON_GPU
#include "tests/cuda_sim/stream.h"
#endif

namespace vq::test {
namespace {

// Forgets what was accumulated.
constexpr vq_update kNoChange{0, 0.9f, 0.999f, 1e-8f, 0, 1, 4, 1, 0};
vq_update_result ignored{};

VQ_ON_EACH_PRECISION(ModelTest);

TEST_P(ModelTest, OverfitsOneBatch) {
  make_trainer(0);
  const std::vector<double> losses = train(kSlowDevice ? 4 : 60);
  EXPECT_GT(losses.front(), 2);
  EXPECT_LT(losses.back(), losses.front() * (kSlowDevice ? 1.0 : 0.33));
}

#if defined(VQ_ON_GPU) && !VQ_ON_GPU
// Micro-batches and the update are queued without waiting; only reading the result of a step waits.
TEST_P(ModelTest, StepIsAsynchronous) {
  make_trainer(1);
  train(1);
  for (int slot : {0, 1}) fill_batch(slot, slot);
  const uint64_t done = cuda_sim::counts().done;
  for (int slot : {0, 1}) VQ_OK_(vq_trainer_accumulate(trainer, slot, 3, 4, 7 + slot, &err));
  const vq_update how{1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 8, 2, 0};
  VQ_OK_(vq_trainer_begin_update(trainer, &how, &err));
  device->worker.wait_idle();
  EXPECT_EQ(cuda_sim::counts().done, done);
  // Behind it the first batch of the next step, as soon as its slot is free.
  VQ_OK_(vq_trainer_wait(trainer, 0, &err));
  fill_batch(0, 3);
  VQ_OK_(vq_trainer_accumulate(trainer, 0, 3, 4, 9, &err));
  device->worker.wait_idle();
  const uint64_t before_end = cuda_sim::counts().done;
  vq_update_result result{};
  VQ_OK_(vq_trainer_end_update(trainer, &result, &err));
  EXPECT_GT(result.grad_norm, 0);
  EXPECT_GT(cuda_sim::counts().done, before_end);
}
#endif

TEST_P(ModelTest, RecomputeMatchesSaved) {
  const int steps = kSlowDevice ? 1 : 3;
  make_trainer(0);
  train(steps);
  const std::vector<float> saved = read_adapter();
  for (int layers : {2, 1, kConfig.layers, 1000}) {
    if (kSlowDevice && layers != 2) break;
    start_again(VQ_WEIGHTS_PLAIN);
    vq_trainer_close(trainer);
    make_trainer(layers, layers == 2);
    train(steps);
    EXPECT_EQ(read_adapter(), saved) << layers;
  }
}

double distance(const std::vector<float>& got, const std::vector<float>& want) {
  double apart = 0, length = 0;
  for (size_t i = 0; i < want.size(); i++) {
    apart += (double(got[i]) - want[i]) * (double(got[i]) - want[i]);
    length += double(want[i]) * want[i];
  }
  return std::sqrt(apart / length);
}

// A quantized model computes the same as the model of the dequantized weights: logits, gradients, steps.
TEST_P(ModelTest, QuantizedMatchesDequantized) {
  // In bf16 a few rows are multiplied with values that are not rounded again.
  const double tolerance = GetParam() == VQ_F32 ? 1e-5 : 3e-2;
  make_trainer(0);
  const std::vector<float> plain_logits = logits();
  const int steps = kSlowDevice ? 1 : 3;
  for (int32_t format : {VQ_WEIGHTS_NF4, VQ_WEIGHTS_INT8, VQ_WEIGHTS_FP8}) {
    if (kSlowDevice && format != VQ_WEIGHTS_NF4) break;
    dequantized = VQ_WEIGHTS_PLAIN;
    start_again(format);
    const std::vector<float> got_logits = logits(), got_gradients = gradients();
    VQ_OK_(vq_trainer_update(trainer, &kNoChange, &ignored, &err));
    const std::vector<double> got_losses = train(steps);
    dequantized = format;
    start_again(VQ_WEIGHTS_PLAIN);
    EXPECT_LT(distance(got_logits, logits()), tolerance) << format;
    EXPECT_LT(distance(got_gradients, gradients()), tolerance) << format;
    VQ_OK_(vq_trainer_update(trainer, &kNoChange, &ignored, &err));
    const std::vector<double> losses = train(steps);
    for (int i = 0; i < steps; i++) EXPECT_NEAR(got_losses[i], losses[i], 3 * tolerance * losses[i]) << format;
    EXPECT_GT(distance(got_logits, plain_logits), 1e-3) << format << " changed nothing";
  }
  dequantized = VQ_WEIGHTS_PLAIN;
}

// A step with fp8 GEMMs is close to that of the plain model, differs from that of fp8 weights alone, and is
// reproducible.
TEST_P(ModelTest, Fp8GemmsTrain) {
  make_trainer(0);
  const std::vector<float> plain_logits = logits(), plain_gradients = gradients();
  start_again(VQ_WEIGHTS_FP8);
  const std::vector<float> fp8_logits = logits();
  start_again(VQ_WEIGHTS_FP8_GEMM);
  const std::vector<float> got_logits = logits(), got_gradients = gradients();
  // The model is small and random: rounding moves it more than a trained one.
  EXPECT_LT(distance(got_logits, plain_logits), 0.5);
  EXPECT_LT(distance(got_gradients, plain_gradients), 0.5);
  EXPECT_GT(distance(got_logits, fp8_logits), 1e-3);
  start_again(VQ_WEIGHTS_FP8_GEMM);
  EXPECT_EQ(logits(), got_logits);
  EXPECT_EQ(gradients(), got_gradients);
}

// GEMM tuning does not change training results.
TEST_P(ModelTest, TuningGemmsKeepsTheAdapter) {
  make_trainer(0);
  const std::vector<float> before = read_adapter();
  VQ_OK_(vq_trainer_tune_gemms(trainer, &err));
  EXPECT_EQ(read_adapter(), before);
  vq_update_result result{};
  VQ_OK_(vq_trainer_update(trainer, &kNoChange, &result, &err));
  EXPECT_EQ(result.loss_sum, 0);
  EXPECT_EQ(result.grad_norm, 0);
}

TEST_P(ModelTest, SessionForksAndScores) {
  VQ_OK_(vq_session_create(model, adapter, 120, 3, &session, &err));
  std::vector<int32_t> ids(70);
  for (size_t i = 0; i < ids.size(); i++) ids[i] = static_cast<int32_t>(i * 5 % kConfig.vocab);
  std::vector<float> first(kConfig.vocab), again(2 * kConfig.vocab), scores(69);
  std::vector<int32_t> best(69);
  VQ_OK_(vq_session_score(session, 0, ids.data(), 70, scores.data(), best.data(), &err));
  VQ_OK_(vq_session_truncate(session, 0, 40, &err));
  VQ_OK_(vq_session_fork(session, 0, 1, &err));
  VQ_OK_(vq_session_prefill(session, 0, ids.data() + 40, 29, nullptr, &err));
  VQ_OK_(vq_session_prefill(session, 1, ids.data() + 40, 29, nullptr, &err));
  VQ_OK_(vq_session_prefill(session, 2, ids.data(), 70, first.data(), &err));
  const int32_t sequences[] = {1, 0}, next[] = {ids[69], ids[69]};
  VQ_OK_(vq_session_decode(session, sequences, next, 2, again.data(), &err));
  EXPECT_EQ(vq_session_length(session, 0), 70);
  const float tolerance = GetParam() == VQ_F32 ? 1e-4f : 0.2f;
  for (int i = 0; i < kConfig.vocab; i++) {
    EXPECT_NEAR(again[i], first[i], tolerance);
    EXPECT_NEAR(again[kConfig.vocab + i], first[i], tolerance);
  }
  for (float s : scores) EXPECT_LT(s, 0);
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_prefill(session, 2, ids.data(), 70, nullptr, &err));
}

TEST(Worker, JobsRunInOrder) {
  std::vector<int> seen;
  vq::Worker worker;
  worker.wait_idle();
  std::vector<uint64_t> jobs;
  for (int i = 0; i < 100; i++) jobs.push_back(worker.post([&seen, i] { seen.push_back(i); }));
  worker.wait(jobs[50]);
  worker.wait_idle();
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; i++) EXPECT_EQ(seen[i], i);
}

}  // namespace
}  // namespace vq::test
