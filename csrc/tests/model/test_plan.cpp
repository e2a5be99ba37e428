// The memory plan, compared with what is allocated.
#include "model/trainer.h"
#include "tests/model/model_test.h"

namespace vq::test {
namespace {

class PlanTest : public ModelTest {};
VQ_ON_EACH_PRECISION(PlanTest);

TEST_P(PlanTest, CountsQuantizedWeights) {
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

TEST_P(PlanTest, TotalIsTheSumOfItsParts) {
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
TEST_P(PlanTest, ForDescribedGpuMatchesOpenGpu) {
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

}  // namespace
}  // namespace vq::test
