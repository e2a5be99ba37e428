// A small model of random weights through the C header: for sanitizers, and for checks that need no oracle. The Go
// tests of engine/ compare the same code with transformers' results. Runs on the CPU and again on CUDA.
#include <gtest/gtest.h>
#include <vq.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "api/handles.h"
#include "api/worker.h"
#include "model/trainer.h"
#include "ops/cpu/processor.h"
#include "ops/cpu/quantized.h"
#include "tests/device.h"
#if defined(VQ_ON_GPU) && !VQ_ON_GPU
#include "tests/cuda_sim/stream.h"
#endif

namespace {

constexpr vq_model_config kConfig{3, 24, 36, 6, 2, 10, 53, 0, 1e-6f, 1e4, VQ_WEIGHTS_PLAIN};
constexpr vq_adapter_config kAdapter{5, 0.7f, 0.25f, 127};
constexpr vq_train_limits kLimits{40, 4, 12, 0, 0};
// Forgets what was accumulated.
constexpr vq_update kNoChange{0, 0.9f, 0.999f, 1e-8f, 0, 1, 4, 1};
vq_update_result ignored{};

#define VQ_OK_(call)                      \
  do {                                    \
    vq_error err{};                       \
    ASSERT_EQ((call), VQ_OK) << err.text; \
  } while (0)

#define VQ_FAILS(code, call)                                     \
  do {                                                           \
    vq_error err{};                                              \
    EXPECT_EQ((call), code) << err.text;                         \
    EXPECT_GT(std::strlen(err.text), 0u) << "without a message"; \
  } while (0)

// One of everything, closed in the reverse order of creation.
class ModelTest : public testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override {
    VQ_OK_(vq::test::open_device(&device, &err));
    make_model(kConfig);
    VQ_OK_(vq_adapter_create(model, &kAdapter, &adapter, &err));
    fill_adapter();
  }
  void TearDown() override {
    vq_session_close(session);
    vq_trainer_close(trainer);
    vq_adapter_close(adapter);
    vq_model_close(model);
    vq_device_close(device);
  }

  const float* random_tensor(int64_t n, float mean, float deviation) {
    std::normal_distribution<float> normal(mean, deviation);
    tensors.push_back(std::vector<float>(n));
    for (float& x : tensors.back()) x = normal(random);
    return tensors.back().data();
  }
  void set(vq_tensor_kind kind, int layer, int64_t rows, int64_t cols) {
    const bool norm = rows == 1;
    const float* data = random_tensor(rows * cols, norm ? 1.1f : 0, norm ? 0.2f : 1 / std::sqrt(float(cols)));
    if (kind >= VQ_Q && dequantized != VQ_WEIGHTS_PLAIN) to_dequantized(tensors.back(), rows, cols);
    VQ_OK_(vq_model_set_tensor(model, kind, layer, data, VQ_F32, rows, cols, &err));
  }
  // The weights that a model of the format `dequantized` computes with.
  void to_dequantized(std::vector<float>& w, int64_t rows, int64_t cols) {
    vq::Pool pool(1);
    const vq::WeightBlock block{w.data(), vq::DType::f32, rows};
    const vq::cpu::QuantizedMatrix matrix(static_cast<vq::WeightFormat>(dequantized), block, cols,
                                          vq::cpu::choose_kernels(), pool);
    std::vector<float> values(w.size());
    for (int64_t r = 0; r < rows; r++) {
      const vq::cpu::Run row{values.data() + r * cols, vq::cpu::Elem::f32};
      matrix.view().kernels->dequantize(row, matrix.view(), r, 0, cols, false);
    }
    w = values;
  }
  // The same model, adapter and trainer as at the start, but with weights in this format.
  void start_again(int32_t weights) {
    vq_session_close(session);
    vq_trainer_close(trainer);
    vq_adapter_close(adapter);
    vq_model_close(model);
    session = nullptr;
    random.seed(1);
    vq_model_config config = kConfig;
    config.weights = weights;
    make_model(config);
    VQ_OK_(vq_adapter_create(model, &kAdapter, &adapter, &err));
    fill_adapter();
    make_trainer(0);
  }
  void make_model(const vq_model_config& c) {
    VQ_OK_(vq_model_create(device, &c, GetParam(), &model, &err));
    set_all(c);
    VQ_OK_(vq_model_finish(model, 1, &err));
  }
  void set_all(const vq_model_config& c) {
    set(VQ_EMBEDDING, 0, c.vocab, c.hidden);
    set(VQ_OUTPUT, 0, c.vocab, c.hidden);
    set(VQ_FINAL_NORM, 0, 1, c.hidden);
    const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
    for (int l = 0; l < c.layers; l++) {
      set(VQ_ATTENTION_NORM, l, 1, c.hidden);
      set(VQ_MLP_NORM, l, 1, c.hidden);
      set(VQ_QUERY_NORM, l, 1, c.head_dim);
      set(VQ_KEY_NORM, l, 1, c.head_dim);
      set(VQ_Q, l, q, c.hidden);
      set(VQ_K, l, kv, c.hidden);
      set(VQ_V, l, kv, c.hidden);
      set(VQ_O, l, c.hidden, q);
      set(VQ_GATE, l, c.ffn, c.hidden);
      set(VQ_UP, l, c.ffn, c.hidden);
      set(VQ_DOWN, l, c.hidden, c.ffn);
    }
  }
  static std::pair<int64_t, int64_t> in_out(uint32_t target) {
    const int64_t q = kConfig.heads * kConfig.head_dim, kv = kConfig.kv_heads * kConfig.head_dim;
    switch (target) {
      case VQ_TARGET_Q:
        return {kConfig.hidden, q};
      case VQ_TARGET_K:
      case VQ_TARGET_V:
        return {kConfig.hidden, kv};
      case VQ_TARGET_O:
        return {q, kConfig.hidden};
      case VQ_TARGET_DOWN:
        return {kConfig.ffn, kConfig.hidden};
      default:
        return {kConfig.hidden, kConfig.ffn};
    }
  }
  template <class Visit>
  static void each_pair(Visit visit) {
    for (int l = 0; l < kConfig.layers; l++) {
      for (uint32_t target = VQ_TARGET_Q; target <= VQ_TARGET_DOWN; target *= 2) {
        const auto [in, out] = in_out(target);
        std::vector<float> a(in * kAdapter.rank), b(out * kAdapter.rank);
        visit(l, target, a, b);
      }
    }
  }
  void fill_adapter() {
    each_pair([&](int l, uint32_t target, std::vector<float>& a, std::vector<float>& b) {
      const float* from_a = random_tensor(a.size(), 0, 0.2f);
      const float* from_b = random_tensor(b.size(), 0, 0.2f);
      VQ_OK_(vq_adapter_write(adapter, l, target, from_a, from_b, &err));
    });
  }
  std::vector<float> read_adapter() {
    std::vector<float> all;
    each_pair([&](int l, uint32_t target, std::vector<float>& a, std::vector<float>& b) {
      VQ_OK_(vq_adapter_read(adapter, l, target, a.data(), b.data(), &err));
      all.insert(all.end(), a.begin(), a.end());
      all.insert(all.end(), b.begin(), b.end());
    });
    return all;
  }
  void make_trainer(int recompute_layers, bool offload = false) {
    vq_train_limits limits = kLimits;
    limits.recompute_layers = recompute_layers;
    limits.offload_optimizer = offload;
    VQ_OK_(vq_trainer_create(model, adapter, &limits, 1, &trainer, &err));
  }
  // Three windows of 1, 20 and 14 rows, the second without targets.
  void fill_batch(int slot, int shift) {
    vq_batch b;
    VQ_OK_(vq_trainer_batch(trainer, slot, &b, &err));
    const int32_t begin[] = {0, 1, 21, 35}, rows[] = {0, 28, 33, 34};
    std::copy(begin, begin + 4, b.window_begin);
    for (int i = 0; i < 35; i++) b.ids[i] = (i * 7 + shift) % kConfig.vocab;
    for (int i = 0; i < 4; i++) {
      b.target_row[i] = rows[i];
      b.target_id[i] = (i * 11 + shift) % kConfig.vocab;
      b.target_weight[i] = 1;
    }
  }
  // Steps of two micro-batches, each started before the previous one has ended; returns the loss of each.
  std::vector<double> train(int steps) {
    std::vector<double> losses;
    const auto end = [&] {
      vq_update_result result{};
      EXPECT_EQ(vq_trainer_end_update(trainer, &result, nullptr), VQ_OK);
      EXPECT_GT(result.grad_norm, 0);
      losses.push_back(result.loss_sum / 8);
    };
    for (int step = 1; step <= steps; step++) {
      for (int slot : {0, 1}) {
        EXPECT_EQ(vq_trainer_wait(trainer, slot, nullptr), VQ_OK);
        fill_batch(slot, slot);
        EXPECT_EQ(vq_trainer_accumulate(trainer, slot, 3, 4, 100 * step + slot, nullptr), VQ_OK);
        if (step > 1 && slot == 0) end();
      }
      const vq_update how{1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 8, step};
      EXPECT_EQ(vq_trainer_begin_update(trainer, &how, nullptr), VQ_OK);
    }
    end();
    return losses;
  }

  // Logits of a prompt that takes one pass, and of tokens decoded one by one.
  std::vector<float> logits() {
    std::vector<float> all(4 * kConfig.vocab);
    std::vector<int32_t> ids(30);
    for (size_t i = 0; i < ids.size(); i++) ids[i] = static_cast<int32_t>(i * 5 % kConfig.vocab);
    EXPECT_EQ(vq_session_create(model, adapter, 60, 1, &session, nullptr), VQ_OK);
    EXPECT_EQ(vq_session_prefill(session, 0, ids.data(), 30, all.data(), nullptr), VQ_OK);
    for (int i = 1; i < 4; i++) {
      const int32_t sequence = 0, id = 7 * i;
      EXPECT_EQ(vq_session_decode(session, &sequence, &id, 1, all.data() + i * kConfig.vocab, nullptr), VQ_OK);
    }
    return all;
  }
  std::vector<float> gradients() {
    std::vector<float> all;
    fill_batch(0, 3);
    EXPECT_EQ(vq_trainer_accumulate(trainer, 0, 3, 4, 5, nullptr), VQ_OK);
    each_pair([&](int l, uint32_t target, std::vector<float>& a, std::vector<float>& b) {
      EXPECT_EQ(vq_trainer_read_gradients(trainer, l, target, a.data(), b.data(), nullptr), VQ_OK);
      all.insert(all.end(), a.begin(), a.end());
      all.insert(all.end(), b.begin(), b.end());
    });
    return all;
  }

  int32_t dequantized = VQ_WEIGHTS_PLAIN;
  std::mt19937 random{1};
  std::vector<std::vector<float>> tensors;
  vq_device* device = nullptr;
  vq_model* model = nullptr;
  vq_adapter* adapter = nullptr;
  vq_trainer* trainer = nullptr;
  vq_session* session = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Precisions, ModelTest, testing::Values(VQ_F32, VQ_BF16),
                         [](const auto& info) { return info.param == VQ_F32 ? "f32" : "bf16"; });

TEST_P(ModelTest, OverfitsOneBatch) {
  make_trainer(0);
  const std::vector<double> losses = train(vq::test::kSlowDevice ? 4 : 60);
  EXPECT_GT(losses.front(), 2);
  EXPECT_LT(losses.back(), losses.front() * (vq::test::kSlowDevice ? 1.0 : 0.33));
}

#if defined(VQ_ON_GPU) && !VQ_ON_GPU
// Micro-batches and the update are queued without waiting; only reading the result of a step waits.
TEST_P(ModelTest, StepIsAsynchronous) {
  make_trainer(1);
  train(1);
  for (int slot : {0, 1}) fill_batch(slot, slot);
  const uint64_t done = cuda_sim::counts().done;
  for (int slot : {0, 1}) VQ_OK_(vq_trainer_accumulate(trainer, slot, 3, 4, 7 + slot, &err));
  const vq_update how{1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 8, 2};
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
  const int steps = vq::test::kSlowDevice ? 1 : 3;
  make_trainer(0);
  train(steps);
  const std::vector<float> saved = read_adapter();
  for (int layers : {2, 1, kConfig.layers, 1000}) {
    if (vq::test::kSlowDevice && layers != 2) break;
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
  const int steps = vq::test::kSlowDevice ? 1 : 3;
  for (int32_t format : {VQ_WEIGHTS_NF4, VQ_WEIGHTS_INT8, VQ_WEIGHTS_FP8}) {
    if (vq::test::kSlowDevice && format != VQ_WEIGHTS_NF4) break;
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
TEST_P(ModelTest, TuningGemmsTrainsNothing) {
  make_trainer(0);
  const std::vector<float> before = read_adapter();
  VQ_OK_(vq_trainer_tune_gemms(trainer, &err));
  EXPECT_EQ(read_adapter(), before);
  vq_update_result result{};
  VQ_OK_(vq_trainer_update(trainer, &kNoChange, &result, &err));
  EXPECT_EQ(result.loss_sum, 0);
  EXPECT_EQ(result.grad_norm, 0);
}

// Rows of the last matrix of a layer that are not finite are named with their tensor.
TEST_P(ModelTest, QuantizingNamesTheNonFiniteTensor) {
  vq_model_config config = kConfig;
  config.weights = VQ_WEIGHTS_NF4;
  vq_model* other = nullptr;
  VQ_OK_(vq_model_create(device, &config, GetParam(), &other, &err));
  std::swap(model, other);
  random.seed(1);
  set_all(config);
  std::vector<float> bad(config.hidden * config.ffn, 0.1f);
  bad[3 * config.ffn + 5] = NAN;
  VQ_OK_(vq_model_set_tensor(model, VQ_DOWN, 1, bad.data(), VQ_F32, config.hidden, config.ffn, &err));
  vq_error err{};
  EXPECT_EQ(vq_model_finish(model, 1, &err), VQ_FAILED);
  EXPECT_NE(std::strstr(err.text, "down of layer 1: row"), nullptr) << err.text;
  std::swap(model, other);
  vq_model_close(other);
  config.weights = 9;
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_create(device, &config, GetParam(), &other, &err));
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

TEST_P(ModelTest, RefusesBadArguments) {
  vq_trainer* none = nullptr;
  vq_train_limits limits = kLimits;
  limits.max_tokens = 1 << 24;
  limits.max_targets = 1 << 24;
  VQ_FAILS(VQ_NO_MEMORY, vq_trainer_create(model, adapter, &limits, 1, &none, &err));
  limits.max_tokens = 0;
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_create(model, adapter, &limits, 1, &none, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_create(model, nullptr, &kLimits, 1, &none, &err));
  EXPECT_EQ(none, nullptr);
  vq_adapter* wrong = nullptr;
  for (const vq_adapter_config& bad :
       {vq_adapter_config{0, 1, 0, 1}, vq_adapter_config{4, 1, 1, 1}, vq_adapter_config{4, 1, 0, 0},
        vq_adapter_config{4, 1, 0, 128}, vq_adapter_config{4, NAN, 0, 1}}) {
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_adapter_create(model, &bad, &wrong, &err));
  }
  vq_model* bad_model = nullptr;
  vq_model_config odd = kConfig;
  odd.head_dim = 7;
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_create(device, &odd, GetParam(), &bad_model, &err));
  odd = kConfig;
  odd.kv_heads = 4;
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_create(device, &odd, GetParam(), &bad_model, &err));
  VQ_OK_(vq_model_create(device, &kConfig, GetParam(), &bad_model, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_finish(bad_model, 1, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_set_tensor(bad_model, VQ_Q, 0, tensors[0].data(), VQ_F32, 3, 3, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_set_tensor(bad_model, VQ_Q, 3, tensors[0].data(), VQ_F32, 60, 24, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_adapter_create(bad_model, &kAdapter, &wrong, &err));
  vq_model_close(bad_model);
  EXPECT_EQ(wrong, nullptr);
}

TEST_P(ModelTest, PlanCountsQuantizedWeights) {
  vq_memory_plan plain{}, quantized{};
  VQ_OK_(vq_plan_training(device, nullptr, &kConfig, VQ_F32, GetParam(), &kAdapter, &kLimits, &plain, &err));
  const int64_t q = kConfig.heads * kConfig.head_dim, kv = kConfig.kv_heads * kConfig.head_dim;
  const int64_t elements = kConfig.layers * kConfig.hidden * (2 * q + 2 * kv + 3 * kConfig.ffn);
  for (int32_t format : {VQ_WEIGHTS_INT8, VQ_WEIGHTS_NF4, VQ_WEIGHTS_FP8}) {
    vq_model_config config = kConfig;
    config.weights = format;
    VQ_OK_(vq_plan_training(device, nullptr, &config, VQ_F32, GetParam(), &kAdapter, &kLimits, &quantized, &err));
    EXPECT_EQ(quantized.activations, plain.activations);
    EXPECT_LT(quantized.weights, plain.weights);
    EXPECT_GT(quantized.weights, static_cast<uint64_t>(format == VQ_WEIGHTS_NF4 ? elements / 2 : elements));
  }
}

TEST_P(ModelTest, PlanTotalIsTheSumOfItsParts) {
  vq_memory_plan saved{}, recompute{}, evaluation{}, cache{};
  vq_train_limits limits = kLimits;
  VQ_OK_(vq_plan_training(device, nullptr, &kConfig, VQ_F32, GetParam(), &kAdapter, &limits, &saved, &err));
  limits.recompute_layers = kConfig.layers;
  limits.offload_optimizer = 1;
  VQ_OK_(vq_plan_training(device, nullptr, &kConfig, VQ_F32, GetParam(), &kAdapter, &limits, &recompute, &err));
  VQ_OK_(vq_plan_training(device, nullptr, &kConfig, VQ_F32, GetParam(), nullptr, &limits, &evaluation, &err));
  VQ_OK_(vq_plan_session(device, nullptr, &kConfig, VQ_F32, GetParam(), &kAdapter, 100, 2, &cache, &err));
  vq_device_info info{};
  vq_device_describe(device, &info);
  for (const vq_memory_plan& p : {saved, recompute, evaluation, cache}) {
    EXPECT_EQ(p.total, p.weights + p.adapter + p.gradients + p.optimizer + p.activations + p.workspace + p.driver);
    EXPECT_LE(p.mapped, p.weights);
  }
  EXPECT_LT(recompute.activations, saved.activations);
  if (info.discrete_memory) {  // offloaded moments leave the device
    EXPECT_EQ(recompute.optimizer, 0u);
    EXPECT_EQ(recompute.host, saved.host + saved.optimizer);
    EXPECT_GT(saved.host, 0u);
  } else {
    EXPECT_EQ(recompute.optimizer, saved.optimizer);
    EXPECT_EQ(saved.host + recompute.host, 0u);
  }
  // Each further recomputed layer takes less memory, except the first, whose buffers the others share.
  vq_memory_plan before{}, after{};
  vq_model_config deep = kConfig;
  deep.layers = 6;
  for (int layers = 0; layers <= 6; layers++, before = after) {
    limits.recompute_layers = layers;
    VQ_OK_(vq_plan_training(device, nullptr, &deep, VQ_F32, GetParam(), &kAdapter, &limits, &after, &err));
    if (layers < 2 || layers == 6) {
      EXPECT_EQ(after.activations, layers ? before.activations : after.activations);
    } else {
      EXPECT_LT(after.activations, before.activations) << layers;
    }
  }
  EXPECT_EQ(saved.optimizer, 2 * saved.gradients);
  EXPECT_EQ(evaluation.gradients + evaluation.optimizer + evaluation.activations + evaluation.adapter, 0u);
}

// The plan for a GPU that is only described equals that of the same GPU when it is open, except for the driver.
TEST_P(ModelTest, PlanForDescribedGpuMatchesOpenGpu) {
  vq_device_info info{};
  vq_device_describe(device, &info);
  if (!info.discrete_memory) GTEST_SKIP() << "the device is not a GPU";
  const vq_gpu gpu{info.threads, 1};
  for (int32_t format : {VQ_WEIGHTS_PLAIN, VQ_WEIGHTS_INT8, VQ_WEIGHTS_NF4, VQ_WEIGHTS_FP8}) {
    vq_model_config config = kConfig;
    config.weights = format;
    vq_memory_plan open{}, described{};
    VQ_OK_(vq_plan_training(device, nullptr, &config, VQ_F32, GetParam(), &kAdapter, &kLimits, &open, &err));
    VQ_OK_(vq_plan_training(nullptr, &gpu, &config, VQ_F32, GetParam(), &kAdapter, &kLimits, &described, &err));
    described.total += open.driver - described.driver;
    described.driver = open.driver;
    EXPECT_EQ(std::memcmp(&open, &described, sizeof open), 0) << "format " << format;
  }
}

// The plan counts what is allocated, buffer by buffer.
TEST(Arena, PlanMatchesAllocation) {
  const std::unique_ptr<vq::Device> device(vq::open_cpu(1));
  const vq::ModelConfig config(kConfig);
  const vq::LoraLayout layout(config, kAdapter);
  vq::Arena counted = vq::Arena::counting(*device), allocated(*device);
  const vq::TrainerBuffers none(counted, config, vq::DType::bf16, &layout, kLimits, true);
  const vq::TrainerBuffers all(allocated, config, vq::DType::bf16, &layout, kLimits, true);
  EXPECT_EQ(counted.total(), allocated.total());
  EXPECT_EQ(none.scratch.normed.data, nullptr);
  EXPECT_NE(all.scratch.normed.data, nullptr);
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
