// What the C interface refuses: arguments out of range, and weights that are not finite numbers.
#include <functional>
#include <limits>

#include "model/finite.h"
#include "tests/model/model_test.h"

namespace vq::test {
namespace {

class ArgumentsTest : public ModelTest {};
VQ_ON_EACH_PRECISION(ArgumentsTest);

TEST_P(ArgumentsTest, RefusesOutOfRange) {
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

TEST_P(ArgumentsTest, RefusesUnknownWeightFormats) {
  vq_model_config config = kConfig;
  config.weights = 9;
  vq_model* none = nullptr;
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_create(device, &config, GetParam(), &none, &err));
}

// Sizes whose product or sum overflows are refused before anything is computed from them, allocated or read.
TEST_P(ArgumentsTest, RefusesSizesThatOverflow) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  const float norm[1] = {1};
  vq_model* other = nullptr;
  VQ_OK_(vq_model_create(device, &kConfig, GetParam(), &other, &err));
  // 2^40 times 2^40 is 0 modulo 2^64.
  for (int64_t size : {kHuge, int64_t{1} << 40, int64_t{-1}}) {
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_set_tensor(other, VQ_FINAL_NORM, 0, norm, VQ_F32, size, size, &err));
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_set_tensor(other, VQ_Q, 0, norm, VQ_F32, size, size, &err));
  }
  vq_model_close(other);

  VQ_OK_(vq_session_create(model, adapter, 60, 2, &session, &err));
  const int32_t id = 1;
  float log_prob = 0;
  int32_t argmax = 0;
  for (int64_t n : {INT64_MAX, kHuge, int64_t{61}, int64_t{0}, int64_t{-1}, INT64_MIN}) {
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_prefill(session, 0, &id, n, nullptr, &err));
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_prefill_on_device(session, 0, &id, n, &err));
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_score(session, 0, &id, n, &log_prob, &argmax, &err));
    const int32_t zero = 0;
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_score_each(session, &zero, &n, 1, &id, &log_prob, &argmax, &err));
  }
  for (int32_t n : {INT32_MAX, 0, -1, INT32_MIN}) {
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_decode(session, &id, &id, n, nullptr, &err));
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_logits(session, n, n, &log_prob, &err));
    const int64_t one = 1;
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_score_each(session, &id, &one, n, &id, &log_prob, &argmax, &err));
  }
  for (int32_t sequence : {2, -1, INT32_MAX, INT32_MIN}) {
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_prefill(session, sequence, &id, 1, nullptr, &err));
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_fork(session, sequence, 0, &err));
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_truncate(session, sequence, 0, &err));
    EXPECT_EQ(vq_session_length(session, sequence), 0);
  }
  VQ_OK_(vq_session_prefill(session, 0, &id, 1, nullptr, &err));
}

// The largest configuration that is in range: its sums exceed 64 bits.
TEST_P(ArgumentsTest, PlansThatOverflowAreOutOfMemory) {
  const vq_model_config largest{4096, 1 << 20, 1 << 22, 4096, 4096, 1024, 1 << 24, 0, 1e-6f, 1e4, VQ_WEIGHTS_PLAIN};
  const vq_adapter_config adapter{1 << 16, 1, 0, 127};
  const vq_train_limits limits{1 << 24, 1 << 24, 1 << 24, 0, 0, 0};
  vq_memory_plan plan{};
  VQ_FAILS(VQ_NO_MEMORY,
           vq_plan_training(device, nullptr, &largest, VQ_F32, GetParam(), &adapter, &limits, &plan, &err));
  VQ_FAILS(VQ_NO_MEMORY,
           vq_plan_session(device, nullptr, &largest, VQ_F32, GetParam(), &adapter, 1 << 24, 1 << 16, &plan, &err));
  EXPECT_EQ(plan.total, 0u);
}

TEST_P(ArgumentsTest, RefusesNull) {
  make_trainer(0);
  VQ_OK_(vq_session_create(model, nullptr, 60, 1, &session, &err));
  const int32_t id = 1;
  const double below = 0;
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_device_open_cpu(1, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_device_open(nullptr, 0, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_create(device, nullptr, GetParam(), nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_model_set_tensor(nullptr, VQ_Q, 0, nullptr, VQ_F32, 1, 1, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_adapter_write(adapter, 0, VQ_TARGET_Q, nullptr, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_batch(trainer, 0, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_begin_update(trainer, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_evaluate(trainer, 0, 1, 1, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_prefill(session, 0, nullptr, 1, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_decode(session, nullptr, &id, 1, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_session_candidates(session, 1, nullptr, &below, nullptr, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT,
           vq_plan_training(device, nullptr, nullptr, VQ_F32, VQ_F32, nullptr, nullptr, nullptr, &err));
  EXPECT_EQ(vq_model_create(nullptr, &kConfig, VQ_F32, nullptr, nullptr), VQ_BAD_ARGUMENT) << "without a vq_error";
}

TEST_P(ArgumentsTest, RefusesUpdatesThatAreNotNumbers) {
  make_trainer(0);
  const vq_update good{1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 8, 1, 0};
  const auto refused = [&](auto member, auto value) {
    vq_update bad = good;
    bad.*member = value;
    VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_begin_update(trainer, &bad, &err));
  };
  refused(&vq_update::learning_rate, NAN);
  refused(&vq_update::beta1, 1.0f);
  refused(&vq_update::beta2, NAN);
  refused(&vq_update::epsilon, -1.0f);
  refused(&vq_update::weight_decay, INFINITY);
  refused(&vq_update::max_grad_norm, -1.0f);
  refused(&vq_update::normalizer, 0.0);
  refused(&vq_update::normalizer, std::numeric_limits<double>::infinity());
  refused(&vq_update::step, int64_t{0});
}

TEST_P(ArgumentsTest, FlopsRefuseInvalidWindows) {
  vq_flops out{};
  const int64_t tokens[] = {10, 5}, targets[] = {3, 6};
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_training_flops(&kConfig, &kAdapter, 0, tokens, targets, 2, &out, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_training_flops(&kConfig, &kAdapter, 0, tokens, targets, -1, &out, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_training_flops(&kConfig, &kAdapter, 0, nullptr, nullptr, 1, &out, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_training_flops(&kConfig, &kAdapter, -1, tokens, targets, 1, &out, &err));
  VQ_OK_(vq_training_flops(&kConfig, &kAdapter, 0, tokens, targets, 1, &out, &err));
}

// The message of the failure, "" if there is none.
std::string finish_with(vq_device* device, const vq_model_config& config, int32_t precision, vq_tensor_kind bad_kind,
                        const std::function<void(vq_model*)>& set_bad) {
  vq_model* model = nullptr;
  vq_error err{};
  EXPECT_EQ(vq_model_create(device, &config, precision, &model, &err), VQ_OK) << err.text;
  const std::vector<uint16_t> ones(static_cast<size_t>(config.vocab) * config.ffn, 0x3c00);  // in f16 and in bf16
  each_tensor(config, [&](vq_tensor_kind kind, int layer, int64_t rows, int64_t cols) {
    if (kind != bad_kind || layer != config.layers - 1) {
      EXPECT_EQ(vq_model_set_tensor(model, kind, layer, ones.data(), VQ_F16, rows, cols, &err), VQ_OK) << err.text;
    }
  });
  set_bad(model);
  const int code = vq_model_finish(model, 1, &err);
  EXPECT_TRUE(code == VQ_OK || code == VQ_FAILED) << code;
  vq_model_close(model);
  return code == VQ_OK ? "" : err.text;
}

// A weight that is not a finite number is named with its tensor and place, in every type and every storage format.
TEST_P(ArgumentsTest, FinishNamesTheElementThatIsNotFinite) {
  struct Bad {
    int32_t dtype;
    uint32_t bits;
    const char* what;
  };
  for (int32_t weights : {VQ_WEIGHTS_PLAIN, VQ_WEIGHTS_NF4})
    for (const Bad& bad :
         {Bad{VQ_F32, 0x7fc00000, "NaN"}, Bad{VQ_F32, 0xff800000, "infinite"}, Bad{VQ_F32, 0x7f800001, "NaN"},
          Bad{VQ_BF16, 0x7fc0, "NaN"}, Bad{VQ_BF16, 0xff80, "infinite"}, Bad{VQ_F16, 0x7e00, "NaN"},
          Bad{VQ_F16, 0x7c00, "infinite"}}) {
      vq_model_config config = kConfig;
      config.weights = weights;
      const int64_t at = 3 * config.ffn + 5, width = bad.dtype == VQ_F32 ? 4 : 2;
      std::vector<char> data(static_cast<size_t>(config.hidden * config.ffn * width));
      std::memcpy(data.data() + at * width, &bad.bits, static_cast<size_t>(width));
      const std::string text = finish_with(device, config, GetParam(), VQ_DOWN, [&](vq_model* m) {
        VQ_OK_(vq_model_set_tensor(m, VQ_DOWN, 2, data.data(), bad.dtype, config.hidden, config.ffn, &err));
      });
      const std::string want = std::string("down of layer 2: element 5 of row 3 is ") + bad.what;
      EXPECT_EQ(text.substr(0, want.size()), want);
    }
  std::vector<float> norm(kConfig.hidden, 1.0f);
  norm[7] = NAN;
  const std::string text = finish_with(device, kConfig, GetParam(), VQ_FINAL_NORM, [&](vq_model* m) {
    VQ_OK_(vq_model_set_tensor(m, VQ_FINAL_NORM, 0, norm.data(), VQ_F32, 1, kConfig.hidden, &err));
  });
  EXPECT_NE(text.find("the final norm: element 7 is NaN"), std::string::npos) << text;
}

TEST_P(ArgumentsTest, AdapterNamesTheElementThatIsNotFinite) {
  const std::vector<float> before = read_adapter();
  std::vector<float> a(kConfig.hidden * kAdapter.rank), b(kConfig.ffn * kAdapter.rank);
  b[9] = INFINITY;
  vq_error err{};
  EXPECT_EQ(vq_adapter_write(adapter, 1, VQ_TARGET_UP, a.data(), b.data(), &err), VQ_FAILED);
  EXPECT_NE(std::strstr(err.text, "B of the adapter's up of layer 1: element 9 is infinite"), nullptr) << err.text;
  EXPECT_EQ(read_adapter(), before);
}

// Wherever it is, in parts that several threads search; the first of several.
TEST(Finite, FindsTheFirstAnywhere) {
  Pool threads(4, 1);
  std::vector<uint16_t> x((3 << 20) + 77, 0x7f7f);
  EXPECT_EQ(first_not_finite(x.data(), DType::bf16, static_cast<int64_t>(x.size()), threads), -1);
  EXPECT_EQ(first_not_finite(x.data(), DType::bf16, 0, threads), -1);
  for (size_t at : {x.size() - 1, size_t{2} << 20, (size_t{2} << 20) - 1, size_t{4096}, size_t{4095}, size_t{0}}) {
    x[at] = 0xff80;  // those after it stay
    EXPECT_EQ(first_not_finite(x.data(), DType::bf16, static_cast<int64_t>(x.size()), threads),
              static_cast<int64_t>(at));
  }
}

}  // namespace
}  // namespace vq::test
