// cross_entropy, score_rows and select_candidates on the device under test, compared with the CPU.
#include "tests/backend/cases.h"

namespace vq::test {
namespace {

TEST(BackendLoss, CrossEntropyAndScoresMatchReference) {
  for (const Size& s : {Size{1, 1, 0}, Size{3, 5, 0}, Size{2, 33, 3}, Size{4, 257, 0}, Size{1, 3000, 0}}) {
    const std::string what = name_of(s);
    std::vector<int32_t> label;
    std::vector<float> weight;
    for (int64_t i = 0; i < s.rows; i++) {
      label.push_back(static_cast<int32_t>(i == 0 ? s.cols - 1 : i * 7 % s.cols));
      weight.push_back(0.5f + static_cast<float>(i));
    }
    Matrix values(s.rows, s.cols, DType::f32, s.pad);
    values.fill(1, 4);
    // The maximum occurs twice: its first index counts. Some tokens are not candidates.
    for (int64_t r = 0; r < s.rows; r++) {
      values.set(r, s.cols / 2, 20);
      values.set(r, s.cols - 1, 20);
      if (s.cols > 4) values.set(r, 0, -INFINITY);
    }
    PairMatrix logits(values);
    PairArray<int32_t> labels(label), argmax(std::vector<int32_t>(label.size()));
    PairArray<float> weights(weight), loss(weight), evaluated(weight), log_prob(weight);
    on_both([&](Device& d, Side side) {
      d.score_rows(log_prob[side], argmax[side], logits[side], labels[side]);
      d.cross_entropy(evaluated[side], logits[side], labels[side], weights[side], false);
      d.cross_entropy(loss[side], logits[side], labels[side], weights[side], true);
    });
    const Tolerance within = {256 * kUnit32, 1024 * kUnit32};
    expect_equal(argmax, "argmax " + what);
    if (s.cols > 1) {
      expect_agree(loss, within, "loss " + what);
      expect_agree(evaluated, within, "loss alone " + what);
      expect_agree(log_prob, within, "log_prob " + what);
    }
    expect_agree(logits, within, "gradient " + what);
  }
}

TEST(BackendLoss, CrossEntropyOfNanIsNan) {
  Matrix values(1, 40);
  values.fill(1).set(0, 33, NAN);
  PairMatrix logits(values);
  PairArray<int32_t> labels({2});
  PairArray<float> weights({1}), loss({0});
  on_both([&](Device& d, Side side) { d.cross_entropy(loss[side], logits[side], labels[side], weights[side], false); });
  EXPECT_TRUE(std::isnan(loss.values(candidate)[0]));
}

TEST(BackendLoss, CandidatesMatchReference) {
  for (int64_t vocab : {1, 31, 32, 33, 700, 4100})
    for (int kind = 0; kind < 6; kind++) {
      constexpr int64_t kRows = 3;
      constexpr int32_t kMost = 20;
      const int64_t words = (vocab + 31) / 32;
      Matrix values(kRows, vocab, DType::f32, kind % 2);
      values.fill(static_cast<uint32_t>(kind + 1), 4);
      if (kind == 4) values.set(0, 0, NAN);
      if (kind == 4) values.set(1, vocab - 1, INFINITY);
      if (kind == 5) {
        for (int64_t i = 0; i < vocab; i++) values.set(2, i, i % 2 ? NAN : -INFINITY);
      }
      PairMatrix logits(values);
      std::vector<uint32_t> mask(static_cast<size_t>(kRows * words));
      for (size_t i = 0; i < mask.size(); i++) {
        mask[i] = kind == 0 ? 0 : kind == 1 ? 0xffffffff : static_cast<uint32_t>(i * 2654435761u) >> (kind * 3);
      }
      PairArray<uint32_t> allowed(mask);
      PairArray<double> below({0, -3.5, -1e9});
      PairArray<Candidate> out(std::vector<Candidate>(kRows * (kMost + 1), Candidate{-7, 7}));
      on_both([&](Device& d, Side side) {
        d.select_candidates(out[side], kMost, logits[side], kind == 5 ? nullptr : allowed[side], below[side]);
      });
      const std::string what = std::to_string(vocab) + " tokens, kind " + std::to_string(kind);
      const std::vector<Candidate> cpu = out.values(reference), cuda = out.values(candidate);
      for (size_t i = 0; i < cpu.size(); i++) {
        EXPECT_EQ(cpu[i].id, cuda[i].id) << what << " at " << i;
        EXPECT_EQ(cpu[i].logit, cuda[i].logit) << what << " at " << i;
      }
    }
}

}  // namespace
}  // namespace vq::test
