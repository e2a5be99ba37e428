// attention and attention_backward on the device under test, compared with the CPU's f32 results on the same values.
#include "tests/attention.h"
#include "tests/backend/device_pair.h"

namespace vq::test {
namespace {

// The device under test, with a workspace for a case.
class Target {
 public:
  explicit Target(const AttentionCase& c) { device_.reserve_workspace(std::max(c.q_rows, c.k_rows), 1, 1, c.shape); }
  template <class... Arguments>
  void attention(const Arguments&... arguments) {
    device_.attention(arguments...);
  }
  template <class... Arguments>
  void attention_backward(const Arguments&... arguments) {
    device_.attention_backward(arguments...);
  }
  void finish() { device_.synchronize(); }

 private:
  Device& device_ = DevicePair::get()[candidate];

 public:
  DeviceCopies copies{device_};
};

void expect_training(const AttentionCase& c, DType type, int64_t pad) {
  Target target(c);
  test::expect_training(target, c, type, pad);
}

TEST(BackendAttention, TrainingMatchesReference) {
  for (const AttentionCase& c : training_cases()) expect_training(c, DType::bf16, c.shape.head_dim % 8 == 0 ? 8 : 3);
}

TEST(BackendAttention, TrainingInF32MatchesReference) {
  expect_training(windows("small", shape_of(6, 2, 5), {1, 34, 3}), DType::f32, 1);
  expect_training(windows("seven heads to one", shape_of(7, 1, 16), {1, 30, 2}), DType::f32, 8);
  expect_training(windows("head size 128", shape_of(4, 2, 128), {65, 1}), DType::f32, 0);
  expect_training(windows("head size 64", shape_of(2, 2, 64), {17, 64}), DType::f32, 8);
  expect_training(window_rows("rows", shape_of(7, 1, 48), {{70, {69, 3}}, {1, {0}}}), DType::f32, 0);
}

TEST(BackendAttention, WideHeadsMatchReference) {
  expect_training(windows("wide heads", shape_of(2, 1, 130), {21}), DType::bf16, 0);
}

TEST(BackendAttention, RandomPlansMatchReference) {
  for (uint32_t seed = 0; seed < 10; seed++) {
    const AttentionCase c = random_case(seed);
    expect_training(c, DType::bf16, c.shape.head_dim % 8 == 0 ? 0 : 1);
  }
}

TEST(BackendAttention, InferenceMatchesReference) {
  for (const AttentionCase& c : inference_cases())
    for (DType type : {DType::bf16, DType::f32}) {
      const AttentionRun run(c, type, 0), want = f32_reference(run, c, false);
      Target target(c);
      ASSERT_NO_THROW(run.forward(target, c)) << c.name;
      expect_near(run.o, want.o, bound_of(type), c.name + " o");
      expect_near(run.lse, want.lse, kF32Bound, c.name + " lse");
      const Matrix o = run.o;
      DeviceCopies& on = target.copies;
      target.attention(on(run.o), nullptr, on(run.q), run.keys(on(run.kv)), run.values(on(run.kv)), c.shape, c.plan());
      on.fetch(run.o);
      EXPECT_EQ(o.raw(), run.o.raw()) << c.name << ": o differs the second time, without lse";
    }
}

TEST(BackendAttention, ResultTypesMayDiffer) {
  const AttentionCase c = windows("f32 results", shape_of(2, 1, 64), {40});
  const AttentionRun run(c, DType::bf16, 0), want = f32_reference(run, c, true);
  Target target(c);
  DeviceCopies& on = target.copies;
  const Matrix o(c.q_rows, run.q_cols), dq(c.q_rows, run.q_cols), dkv(c.k_rows, 2 * run.k_cols);
  const Tensor kv = on(run.kv), d_kv = on(dkv);
  target.attention(on(o), on.floats(run.lse), on(run.q), run.keys(kv), run.values(kv), c.shape, c.plan());
  target.attention_backward(on(dq), run.keys(d_kv), run.values(d_kv), on(run.dout), on(run.q), run.keys(kv),
                            run.values(kv), on(o), on.floats(run.lse), c.shape, c.plan());
  for (const Matrix* m : {&o, &dq, &dkv}) on.fetch(*m);
  expect_near(o, want.o, kBf16Bound, "o");
  expect_near(dq, want.dq, kBf16Bound, "dq");
  expect_near(dkv, want.dkv, kBf16Bound, "dk, dv");
}

TEST(BackendAttention, UnseenKeysGetZeroGradient) {
  // Gaps between the keys of windows, keys after the last visible one, and rows that belong to no window.
  const AttentionCase c{
      "gaps", shape_of(2, 1, 64), {{0, 3, 0, 1}, {3, 1, 1, 1}}, {{70, 40}, {2, 20}}, {5, 9, 33, 20}, 4, 140};
  for (DType type : {DType::bf16, DType::f32}) {
    const AttentionRun run(c, type, 0);
    Target target(c);
    run.forward(target, c);
    run.backward(target, c);
    for (int64_t t = 0; t < c.k_rows; t++) {
      const bool seen = (t >= 70 && t < 103) || (t >= 2 && t < 22);
      for (int64_t i = 0; i < 2 * run.k_cols && !seen; i++) EXPECT_EQ(run.dkv.get(t, i), 0) << t;
    }
  }
}

TEST(BackendAttention, WindowsDoNotSeeEachOther) {
  const AttentionCase c = windows("two", shape_of(2, 1, 64), {20, 30});
  AttentionRun run(c, DType::bf16, 0);
  Target target(c);
  run.forward(target, c);
  const std::vector<double> before = values_of(run.o);
  for (int64_t i = 0; i < 2 * run.k_cols; i++) run.kv.set(19, i, 100);  // the last key of the first window
  target.copies.forget(run.kv);
  run.forward(target, c);
  const std::vector<double> after = values_of(run.o);
  for (int64_t t = 0; t < 50; t++)
    for (int64_t i = 0; i < run.q_cols; i++) {
      const auto at = static_cast<size_t>(t * run.q_cols + i);
      EXPECT_EQ(before[at] == after[at], t != 19) << t;
    }
}

// Scores that grow by far more than the slack of the running maximum, in every direction.
TEST(BackendAttention, LargeScoresMatchReference) {
  const AttentionCase c = windows("large scores", shape_of(1, 1, 64), {100});
  AttentionRun run(c, DType::bf16, 0);
  for (int64_t t = 0; t < 100; t++)
    for (int64_t i = 0; i < 64; i++) {
      run.q.set(t, i, run.q.get(t, i) * (t % 3 == 0 ? 40 : 1));
      run.kv.set(t, i, run.kv.get(t, i) * static_cast<double>(1 + t % 50));
    }
  const AttentionRun want = f32_reference(run, c, false);
  Target target(c);
  run.forward(target, c);
  expect_near(run.o, want.o, kBf16Bound, "o");
}

}  // namespace
}  // namespace vq::test
