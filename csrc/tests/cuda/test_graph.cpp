// Decoding on the CUDA device, whose passes are captured and replayed: every logit equals that of direct launches,
// whatever happens between two passes. In the simulator, queued work is counted too.
#include <vq.h>

#include <algorithm>
#include <random>

#include "tests/device.h"
#include "tests/support.h"
#if !VQ_ON_GPU
#include "tests/cuda_sim/stream.h"
#endif

namespace vq::test {
namespace {

constexpr vq_model_config kShape = {2, 16, 16, 2, 1, 16, 24, 1, 1e-6f, 1e4, VQ_WEIGHTS_PLAIN};
constexpr int64_t kVocab = kShape.vocab;

#if VQ_ON_GPU
void record_nothing(bool) {}
#else
void record_nothing(bool yes) { cuda_sim::fail_graphs(yes); }
#endif

class CudaGraphs : public testing::TestWithParam<int32_t> {
 protected:
  void must(int code) { ASSERT_EQ(code, VQ_OK) << err.text; }
  void SetUp() override {
    must(open_device(&device, &err));
    must(vq_model_create(device, &kShape, GetParam(), &model, &err));
    const int64_t c = kShape.hidden, q = kShape.heads * kShape.head_dim, kv = kShape.kv_heads * kShape.head_dim;
    set(VQ_EMBEDDING, 0, kVocab, c);
    set(VQ_FINAL_NORM, 0, 1, c);
    for (int l = 0; l < kShape.layers; l++) {
      set(VQ_ATTENTION_NORM, l, 1, c);
      set(VQ_MLP_NORM, l, 1, c);
      set(VQ_QUERY_NORM, l, 1, kShape.head_dim);
      set(VQ_KEY_NORM, l, 1, kShape.head_dim);
      set(VQ_Q, l, q, c);
      set(VQ_K, l, kv, c);
      set(VQ_V, l, kv, c);
      set(VQ_O, l, c, q);
      set(VQ_GATE, l, kShape.ffn, c);
      set(VQ_UP, l, kShape.ffn, c);
      set(VQ_DOWN, l, c, kShape.ffn);
    }
    must(vq_model_finish(model, 0, &err));
  }
  void TearDown() override {
    record_nothing(false);
    vq_session_close(session);
    vq_model_close(model);
    vq_device_close(device);
  }
  void set(vq_tensor_kind kind, int32_t layer, int64_t rows, int64_t cols) {
    std::vector<float>& t = tensors.emplace_back(rows * cols);
    for (float& x : t) x = static_cast<float>(random()) / static_cast<float>(random.max()) - (rows > 1 ? 0.5f : 0.0f);
    must(vq_model_set_tensor(model, kind, layer, t.data(), VQ_F32, rows, cols, &err));
  }

  void prefill(int32_t sequence, int32_t n) {
    std::vector<int32_t> ids(n);
    for (int32_t i = 0; i < n; i++) ids[i] = (7 * i + sequence) % kVocab;
    std::vector<float> logits(kVocab);
    must(vq_session_prefill(session, sequence, ids.data(), n, logits.data(), &err));
    keep(sequence, logits.data());
  }
  // Each sequence continues with its argmax token, this many times.
  void decode(const std::vector<int32_t>& sequences, int times) {
    const auto n = static_cast<int32_t>(sequences.size());
    std::vector<float> logits(n * kVocab);
    std::vector<int32_t> ids(n);
    for (int t = 0; t < times; t++) {
      for (int32_t i = 0; i < n; i++) ids[i] = next[sequences[i]];
      must(vq_session_decode(session, sequences.data(), ids.data(), n, logits.data(), &err));
      for (int32_t i = 0; i < n; i++) keep(sequences[i], logits.data() + i * kVocab);
    }
  }
  void keep(int32_t sequence, const float* logits) {
    all.insert(all.end(), logits, logits + kVocab);
    next[sequence] = static_cast<int32_t>(std::max_element(logits, logits + kVocab) - logits);
  }

  // Events in the life of a session, over hundreds of tokens; compares every logit.
  std::vector<float> story() {
    all.clear();
    must(vq_session_create(model, nullptr, 700, 4, &session, &err));
    prefill(0, 100);
    decode({0}, 40);  // past the ends of key blocks and of the cache
    must(vq_session_fork(session, 0, 1, &err));
    next[1] = (next[0] + 1) % kVocab;
    decode({0, 1}, 8);
    prefill(2, 5);  // of another length, and between the blocks of the others
    decode({2, 0, 1}, 12);
    decode({1}, 3);
    must(vq_session_truncate(session, 1, 100, &err));
    decode({0, 1}, 5);
    must(vq_session_truncate(session, 0, 0, &err));
    prefill(0, 61);
    decode({2, 0}, 5);
    // Another session's scratch reallocates the device's: the graph recorded for this one is no longer valid.
    vq_session* larger = nullptr;
    must(vq_session_create(model, nullptr, 3000, 9, &larger, &err));
    vq_session_close(larger);
    decode({2, 0}, 5);
    decode({0}, 5);
    vq_session_close(session);
    session = nullptr;
    return all;
  }

  std::mt19937 random{5};
  std::vector<std::vector<float>> tensors;
  std::vector<float> all;
  int32_t next[4] = {};
  vq_error err{};
  vq_device* device = nullptr;
  vq_model* model = nullptr;
  vq_session* session = nullptr;
};

TEST_P(CudaGraphs, DecodingMatchesDirectLaunches) {
  const std::vector<float> replayed = story();
  record_nothing(true);
  EXPECT_TRUE(story() == replayed) << "logits of replayed passes differ";
}

#if !VQ_ON_GPU
TEST_P(CudaGraphs, CapturedPassIsOneLaunch) {
  using cuda_sim::counts;
  must(vq_session_create(model, nullptr, 700, 4, &session, &err));
  prefill(0, 30);
  prefill(1, 3);
  for (const std::vector<int32_t>& sequences : {std::vector<int32_t>{0}, {0, 1}}) {
    decode(sequences, 2);
    const cuda_sim::Counts before = counts();
    decode(sequences, 10);
    const cuda_sim::Counts after = counts();
    EXPECT_EQ(after.replays - before.replays, 10u);
    EXPECT_GE(after.replayed - before.replayed, 10u * 15 * kShape.layers);
    // What the pass reads, attention's tables, the logits.
    EXPECT_EQ(after.queued - before.queued, 30u);
  }
}

// If a graph fails for lack of memory, it is not tried again; the pass continues launch by launch.
TEST_P(CudaGraphs, DecodesWithoutMemoryForAGraph) {
  must(vq_session_create(model, nullptr, 100, 1, &session, &err));
  prefill(0, 3);
  decode({0}, 1);
  record_nothing(true);
  decode({0}, 1);
  record_nothing(false);
  const cuda_sim::Counts before = cuda_sim::counts();
  decode({0}, 5);
  EXPECT_EQ(cuda_sim::counts().replays, before.replays);
}

TEST_P(CudaGraphs, DecodesWhereCapturesAreRefused) {
  must(vq_session_create(model, nullptr, 100, 1, &session, &err));
  prefill(0, 3);
  decode({0}, 1);
  cuda_sim::fail_captures(true);
  decode({0}, 5);
  cuda_sim::fail_captures(false);
}
#endif

INSTANTIATE_TEST_SUITE_P(Precisions, CudaGraphs, testing::Values(VQ_F32, VQ_BF16),
                         [](const auto& info) { return info.param == VQ_F32 ? "f32" : "bf16"; });

}  // namespace
}  // namespace vq::test
