// A small model of random weights with an adapter, made through the C header on the linked device (tests/device.h).
#pragma once

#include <gtest/gtest.h>
#include <vq.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ops/cpu/processor.h"
#include "ops/cpu/quantized.h"
#include "tests/device.h"
#include "tests/model/tensors.h"

namespace vq::test {

inline constexpr vq_model_config kConfig{3, 24, 36, 6, 2, 10, 53, 0, 1e-6f, 1e4, VQ_WEIGHTS_PLAIN};
inline constexpr vq_adapter_config kAdapter{5, 0.7f, 0.25f, 127};
inline constexpr vq_train_limits kLimits{40, 4, 12, 0, 0, 0};
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
    each_tensor(c, [&](vq_tensor_kind kind, int layer, int64_t rows, int64_t cols) { set(kind, layer, rows, cols); });
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
      const vq_update how{1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 8, step, 0};
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

#define VQ_ON_EACH_PRECISION(suite)                                             \
  INSTANTIATE_TEST_SUITE_P(Precisions, suite, testing::Values(VQ_F32, VQ_BF16), \
                           [](const auto& info) { return info.param == VQ_F32 ? "f32" : "bf16"; })

}  // namespace vq::test
