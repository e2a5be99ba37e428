// Attention of ops/cuda against the CPU's own in f32 on the same values; on the GPU, or on the CPU (see twins.h). Cards
// of several sizes are told, which decides the tiles and where they are cut.
//
// Tolerances. Operands are bf16, so products of two of them are exact in f32; probabilities and their gradients are
// rounded to bf16 (relative 2^-9 each, to nearest) before the next product, and so are bf16 results. The errors of the
// terms of a sum are independent, so a result is within a few 2^-9 of the largest: 1e-2 of it, and a normalized squared
// error (of the errors' squares by those of the values) below (2^-8)^2 = 1.5e-5. In f32 sums of n terms are within
// n 2^-24 of their terms.
#include <cmath>
#include <map>

#include "ops/cuda/attention/check.h"
#include "tests/backend/device_pair.h"

namespace vq::test {
namespace {

using cuda::Attention;

struct Case {
  std::string name;
  AttentionShape shape;
  std::vector<AttentionSegment> segments;
  std::vector<KeyRange> ranges;
  std::vector<int32_t> visible;
  int64_t q_rows, k_rows;
  AttentionPlan plan() const { return {segments, ranges, visible}; }
};

AttentionShape shape_of(int heads, int kv_heads, int dim) {
  return {heads, kv_heads, dim, 1.0f / std::sqrt(static_cast<float>(dim))};
}

// Windows end to end, each causal.
Case windows(const std::string& name, AttentionShape shape, std::vector<int32_t> lengths) {
  Case c{name, shape, {}, {}, {}, 0, 0};
  for (int32_t n : lengths) {
    const auto begin = static_cast<int32_t>(c.q_rows);
    c.segments.push_back({begin, n, static_cast<int32_t>(c.ranges.size()), 1});
    c.ranges.push_back({begin, n});
    for (int32_t i = 0; i < n; i++) c.visible.push_back(i + 1);
    c.q_rows += n;
  }
  c.k_rows = c.q_rows;
  return c;
}

// Target rows of windows, as in the last layer: of each window those at the given positions.
Case targets(const std::string& name, AttentionShape shape,
             const std::vector<std::pair<int32_t, std::vector<int32_t>>>& each) {
  Case c{name, shape, {}, {}, {}, 0, 0};
  for (const auto& [length, rows] : each) {
    c.segments.push_back(
        {static_cast<int32_t>(c.q_rows), static_cast<int32_t>(rows.size()), static_cast<int32_t>(c.ranges.size()), 1});
    c.ranges.push_back({static_cast<int32_t>(c.k_rows), length});
    for (int32_t position : rows) c.visible.push_back(position + 1);
    c.q_rows += static_cast<int64_t>(rows.size());
    c.k_rows += length;
  }
  return c;
}

std::vector<Case> training_cases() {
  return {
      windows("one query", shape_of(2, 1, 64), {1}),
      windows("odd head size", shape_of(3, 3, 5), {11, 1}),
      windows("odd head size above a tile", shape_of(2, 1, 71), {20, 3}),
      windows("seven heads to one", shape_of(7, 1, 64), {3, 29, 1, 20}),
      windows("windows end at tile edges", shape_of(2, 1, 64), {64, 128, 32}),
      windows("one more than a tile", shape_of(4, 1, 128), {17, 33}),
      windows("head size 96", shape_of(4, 2, 96), {50, 33}),
      windows("head size 128, one to one", shape_of(1, 1, 128), {130}),
      windows("head size by padding", shape_of(4, 2, 80), {37}),
      targets("a single target row", shape_of(4, 2, 64), {{150, {149}}}),
      targets("target rows", shape_of(7, 1, 128), {{70, {3, 4, 20, 66}}, {1, {0}}, {90, {89}}}),
      targets("target rows out of order", shape_of(2, 1, 64), {{100, {70, 3, 99, 50}}}),
  };
}

// The same, and a window of at least three tiles of 128 stacked rows behind it: kernels with wgmma are for tiles of
// which most are full.
Case beside_full_tiles(Case c) {
  const auto begin = static_cast<int32_t>(c.q_rows), keys = static_cast<int32_t>(c.k_rows);
  const int32_t group = c.shape.heads / c.shape.kv_heads, length = (3 * 128 + group - 1) / group;
  c.segments.push_back({begin, length, static_cast<int32_t>(c.ranges.size()), 1});
  c.ranges.push_back({keys, length});
  for (int32_t i = 0; i < length; i++) c.visible.push_back(i + 1);
  c.q_rows += length;
  c.k_rows += length;
  return c;
}

std::vector<Case> inference_cases() {
  std::vector<Case> all;
  all.push_back({"decoding with a shared prefix",
                 shape_of(8, 2, 128),
                 {{0, 1, 0, 2}, {1, 1, 2, 2}, {2, 1, 4, 1}},
                 {{0, 301}, {310, 7}, {0, 301}, {320, 1}, {330, 20}},
                 {7, 1, 13},
                 3,
                 360});
  all.push_back({"many small ranges",
                 shape_of(2, 1, 64),
                 {{0, 2, 0, 6}, {2, 1, 6, 1}},
                 {{0, 32}, {64, 32}, {128, 1}, {160, 64}, {300, 65}, {370, 20}, {7, 1}},
                 {19, 20, 1},
                 3,
                 400});
  all.push_back({"second part of a prompt", shape_of(4, 2, 24), {{0, 37, 0, 2}}, {{3, 200}, {210, 90}}, {}, 37, 300});
  for (int32_t i = 0; i < 37; i++) all.back().visible.push_back(53 + i + 1);
  return all;
}

// Random plans: windows of lengths around the tiles' sizes, head sizes and groups of every kind.
Case random_case(uint32_t seed) {
  std::mt19937 generator(seed);
  const auto pick = [&](std::vector<int> of) { return of[generator() % of.size()]; };
  const int group = pick({1, 2, 3, 4, 7, 8}), kv_heads = pick({1, 2});
  const AttentionShape shape = shape_of(group * kv_heads, kv_heads, pick({1, 8, 33, 64, 65, 96, 100, 128}));
  std::vector<int32_t> lengths;
  const int count = pick({1, 2, 3});
  for (int i = 0; i < count; i++) lengths.push_back(pick({1, 2, 15, 16, 17, 31, 32, 33, 65}));
  return windows("random " + std::to_string(seed), shape, lengths);
}

// The kernels' side: a card of a given size, with copies of matrices in its memory.
class Card {
 public:
  explicit Card(const Case& c, int multiprocessors = 1, bool large_shared = true, bool wgmma = false)
      : attention_({multiprocessors, large_shared, wgmma}, [this](void* to, const void* from, size_t bytes) {
          uploads++;
          device_.upload(to, from, bytes);
          device_.synchronize();  // the kernels run on another stream
        }) {
    const int64_t rows = std::max(c.q_rows, c.k_rows);
    workspace_ = device_.alloc(attention_.grown_bytes(rows, c.shape));
    attention_.set_workspace(workspace_, rows, c.shape);
  }
  ~Card() {
    device_.free(workspace_);
    for (auto& [matrix, memory] : copies_) device_.free(memory);
  }
  // The matrix on the card, as it was at the first call. Nothing but its rows and what lies between them is there.
  Tensor operator()(const Matrix& m) {
    void*& memory = copies_[&m];
    if (!memory) {
      memory = device_.alloc(bytes_of_rows(m));
      device_.upload(memory, m.tensor().data, bytes_of_rows(m));
    }
    Tensor t = m.tensor();
    t.data = memory;
    return t;
  }
  float* floats(const Matrix& m) { return static_cast<float*>((*this)(m).data); }
  void fetch(const Matrix& m) { device_.download(m.tensor().data, copies_.at(&m), bytes_of_rows(m)); }
  void forget(const Matrix& m) {
    device_.free(copies_.at(&m));
    copies_.erase(&m);
  }
  Attention* operator->() {
    device_.synchronize();
    return &attention_;
  }
  int uploads = 0;

 private:
  static size_t bytes_of_rows(const Matrix& m) {
    const Tensor& t = m.tensor();
    return static_cast<size_t>((t.rows - 1) * t.stride + t.cols) * size_of(t.dtype);
  }
  Device& device_ = DevicePair::get()[candidate];
  void* workspace_ = nullptr;
  std::map<const Matrix*, void*> copies_;
  Attention attention_;
};

struct Operands {
  // pad: elements between rows, which decides whether 16 bytes may be copied at once.
  Operands(const Case& c, DType type, int64_t pad)
      : q_cols(c.shape.heads * c.shape.head_dim),
        k_cols(c.shape.kv_heads * c.shape.head_dim),
        q(c.q_rows, q_cols, type, pad),
        kv(c.k_rows, 2 * k_cols, type, pad),
        o(c.q_rows, q_cols, type, pad),
        lse(c.q_rows, c.shape.heads),
        dout(c.q_rows, q_cols, type, pad),
        dq(c.q_rows, q_cols, type, pad),
        dkv(c.k_rows, 2 * k_cols, type, pad) {
    q.fill(1);
    kv.fill(2);
    dout.fill(3);
    for (int64_t r = 0; r < c.k_rows; r++)
      for (int64_t i = 0; i < 2 * k_cols; i++) dkv.set(r, i, 7);  // must be overwritten
  }
  Tensor left(const Tensor& kv_or_dkv) const { return kv_or_dkv.columns(0, k_cols); }
  Tensor right(const Tensor& kv_or_dkv) const { return kv_or_dkv.columns(k_cols, k_cols); }
  void forward(Device& device, const Case& c) const {
    device.attention(o, lse.floats(), q, left(kv), right(kv), c.shape, c.plan());
  }
  void backward(Device& device, const Case& c) const {
    device.attention_backward(dq, left(dkv), right(dkv), dout, q, left(kv), right(kv), o, lse.floats(), c.shape,
                              c.plan());
  }
  void forward(Card& card, const Case& c) const {
    const Tensor on_card = card(kv), out = card(o), queries = card(q);
    float* sums = card.floats(lse);
    card->forward(nullptr, out, sums, queries, left(on_card), right(on_card), c.shape, c.plan());
    cuda::synchronize(nullptr);
    for (const Matrix* m : {&o, &lse}) card.fetch(*m);
  }
  void backward(Card& card, const Case& c) const {
    const Tensor on_card = card(kv), d_on_card = card(dkv), d_queries = card(dq), d_out = card(dout);
    card->backward(nullptr, d_queries, left(d_on_card), right(d_on_card), d_out, card(q), left(on_card), right(on_card),
                   card(o), card.floats(lse), c.shape, c.plan());
    cuda::synchronize(nullptr);
    for (const Matrix* m : {&dq, &dkv}) card.fetch(*m);
  }
  int64_t q_cols, k_cols;
  Matrix q, kv, o, lse, dout, dq, dkv;
};

void copy_values(Matrix& to, const Matrix& from) {
  for (int64_t r = 0; r < from.rows(); r++)
    for (int64_t c = 0; c < from.cols(); c++) to.set(r, c, from.get(r, c));
}

// The CPU's answer in f32 to the operands of a run.
Operands twin(const Operands& run, const Case& c, bool backward) {
  Operands t(c, DType::f32, 0);
  copy_values(t.q, run.q);
  copy_values(t.kv, run.kv);
  copy_values(t.dout, run.dout);
  cpu::CpuDevice device(*testable_kernels().front(), 1, 1);
  device.reserve_workspace(std::max(c.q_rows, c.k_rows), 1, 1, c.shape);
  t.forward(device, c);
  if (backward) t.backward(device, c);
  return t;
}

struct Bound {
  double of_largest, normalized;
};

void expect_near(const Matrix& got, const Matrix& want, Bound bound, const std::string& what) {
  double largest = 0.1, squares = 1e-30, errors = 0;
  for (int64_t r = 0; r < want.rows(); r++)
    for (int64_t c = 0; c < want.cols(); c++) {
      const double w = want.get(r, c), e = got.get(r, c) - w;
      if (!std::isfinite(w)) continue;
      largest = std::max(largest, std::fabs(w));
      squares += w * w;
      errors += e * e;
    }
  const double size = static_cast<double>(want.rows() * want.cols());
  // Where everything cancels the errors are those of the terms, which are about 1.
  EXPECT_LE(errors / std::max(squares, 1e-3 * size), bound.normalized) << what;
  expect_close(
      got, [&](int64_t r, int64_t c) { return want.get(r, c); },
      [&](int64_t, int64_t) { return bound.of_largest * largest; }, what);
}

// Under the shim everything runs; of GPUs those of capability 9.0.
bool wgmma_runs() { return !VQ_ON_GPU || DevicePair::get()[candidate].info().instructions.starts_with("sm_90"); }

constexpr Bound kBf16 = {1e-2, 1.5e-5};
constexpr Bound kF32 = {2e-5, 1e-10};

Bound bound_of(DType type) { return type == DType::bf16 ? kBf16 : kF32; }

// Both passes, twice: the second time the same bytes.
void expect_training(const Case& c, DType type, int64_t pad, bool large_shared, bool wgmma = false) {
  const std::string what = c.name + (type == DType::f32 ? " f32" : " bf16") + " pad " + std::to_string(pad) +
                           (large_shared ? "" : " small") + (wgmma ? " wgmma" : "");
  const Operands run(c, type, pad);
  const Operands want = twin(run, c, true);
  Card card(c, large_shared ? 1 : 2, large_shared, wgmma);
  ASSERT_NO_THROW(run.forward(card, c)) << what;
  expect_near(run.o, want.o, bound_of(type), what + " o");
  expect_near(run.lse, want.lse, kF32, what + " lse");
  ASSERT_NO_THROW(run.backward(card, c)) << what;
  // Gradients flow through the o and the delta that were rounded: twice the error.
  const Bound b = {2 * bound_of(type).of_largest, 4 * bound_of(type).normalized};
  expect_near(run.dq, want.dq, b, what + " dq");
  expect_near(run.dkv, want.dkv, b, what + " dk, dv");
  const Matrix o = run.o, dq = run.dq, dkv = run.dkv;
  run.forward(card, c);
  run.backward(card, c);
  EXPECT_EQ(o.raw(), run.o.raw()) << what << ": another o the second time";
  EXPECT_EQ(dq.raw(), run.dq.raw()) << what << ": another dq the second time";
  EXPECT_EQ(dkv.raw(), run.dkv.raw()) << what << ": another dk, dv the second time";
  EXPECT_EQ(card.uploads, 2) << what << ": the tables of a plan are sent once";
}

TEST(CudaAttention, TrainingInTiles) {
  for (const Case& c : training_cases()) expect_training(c, DType::bf16, c.shape.head_dim % 8 == 0 ? 8 : 3, true);
}
TEST(CudaAttention, TrainingInTilesOfSmallCards) {
  for (const Case& c : training_cases()) expect_training(c, DType::bf16, 1, false);
}
TEST(CudaAttention, TrainingInWarpgroups) {
  if (!wgmma_runs()) GTEST_SKIP() << "this GPU has no wgmma";
  for (const Case& c : training_cases()) {
    expect_training(beside_full_tiles(c), DType::bf16, c.shape.head_dim % 8 == 0 ? 8 : 3, true, true);
  }
  // Several blocks of keys and stages of queries, rows of several tiles, and a second tile of keys.
  expect_training(windows("long", shape_of(2, 1, 128), {200, 75}), DType::bf16, 0, true, true);
  expect_training(windows("long", shape_of(1, 1, 64), {400}), DType::bf16, 0, true, true);
}
// As a card of capability 9.0 is opened.
TEST(CudaAttention, WgmmaGivesWhatTheOtherKernelsGive) {
  if (!wgmma_runs()) GTEST_SKIP() << "this GPU has no wgmma";
  cuda::CudaDevice device(0);
  device.try_wgmma();
  EXPECT_TRUE(device.info().instructions.ends_with(", wgmma")) << device.info().instructions;
}
TEST(CudaAttention, WrongResultsAreNamed) {
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
TEST(CudaAttention, TrainingPlainly) {
  expect_training(windows("small", shape_of(6, 2, 5), {1, 34, 3}), DType::f32, 1, true);
  expect_training(targets("rows", shape_of(7, 1, 48), {{70, {69, 3}}, {1, {0}}}), DType::f32, 0, true);
  expect_training(windows("wide heads", shape_of(2, 1, 130), {21}), DType::bf16, 0, true);
}
TEST(CudaAttention, RandomPlans) {
  for (uint32_t seed = 0; seed < 10; seed++) {
    const Case c = random_case(seed);
    expect_training(c, DType::bf16, c.shape.head_dim % 8 == 0 ? 0 : 1, seed % 2 == 0);
  }
}

TEST(CudaAttention, Inference) {
  for (const Case& c : inference_cases())
    for (DType type : {DType::bf16, DType::f32})
      for (int multiprocessors : {1, 5}) {                        // with more, tiles are cut along the keys
        if (type == DType::f32 && multiprocessors > 1) continue;  // but no plain ones
        const std::string what = c.name + " on " + std::to_string(multiprocessors);
        const Operands run(c, type, 0);
        const Operands want = twin(run, c, false);
        Card card(c, multiprocessors);
        ASSERT_NO_THROW(run.forward(card, c)) << what;
        expect_near(run.o, want.o, bound_of(type), what + " o");
        expect_near(run.lse, want.lse, kF32, what + " lse");
        const Matrix o = run.o;
        card->forward(nullptr, card(run.o), nullptr, card(run.q), run.left(card(run.kv)), run.right(card(run.kv)),
                      c.shape, c.plan());
        cuda::synchronize(nullptr);
        card.fetch(run.o);
        EXPECT_EQ(o.raw(), run.o.raw()) << what << ": another o the second time";
      }
}

// Long rows of few queries are cut in both directions, and the parts add up.
TEST(CudaAttention, FewRowsOnALargeCard) {
  const Case c = targets("few rows", shape_of(4, 1, 64), {{400, {399, 5, 200}}, {70, {69}}});
  const Operands run(c, DType::bf16, 0);
  const Operands want = twin(run, c, true);
  Card card(c, 6);
  run.forward(card, c);
  run.backward(card, c);
  expect_near(run.o, want.o, kBf16, "o");
  expect_near(run.lse, want.lse, kF32, "lse");
  expect_near(run.dq, want.dq, {2e-2, 6e-5}, "dq");
  expect_near(run.dkv, want.dkv, {2e-2, 6e-5}, "dk, dv");
}

TEST(CudaAttention, ResultsInAnotherType) {
  const Case c = windows("f32 results", shape_of(2, 1, 64), {40});
  const Operands run(c, DType::bf16, 0);
  const Operands want = twin(run, c, true);
  Card card(c);
  const Matrix o(c.q_rows, run.q_cols), dq(c.q_rows, run.q_cols), dkv(c.k_rows, 2 * run.k_cols);
  const Tensor q = card(run.q), kv = card(run.kv), dout = card(run.dout), d_kv = card(dkv);
  float* lse = card.floats(run.lse);
  card->forward(nullptr, card(o), lse, q, run.left(kv), run.right(kv), c.shape, c.plan());
  card->backward(nullptr, card(dq), run.left(d_kv), run.right(d_kv), dout, q, run.left(kv), run.right(kv), card(o), lse,
                 c.shape, c.plan());
  cuda::synchronize(nullptr);
  for (const Matrix* m : {&o, &dq, &dkv}) card.fetch(*m);
  expect_near(o, want.o, kBf16, "o");
  expect_near(dq, want.dq, kBf16, "dq");
  expect_near(dkv, want.dkv, kBf16, "dk, dv");
}

TEST(CudaAttention, KeysThatNoQuerySeesGetZero) {
  // Gaps between the windows' keys, keys behind the last visible one, and rows of no window.
  Case c{"gaps", shape_of(2, 1, 64), {{0, 3, 0, 1}, {3, 1, 1, 1}}, {{70, 40}, {2, 20}}, {5, 9, 33, 20}, 4, 140};
  for (DType type : {DType::bf16, DType::f32}) {
    const Operands run(c, type, 0);
    Card card(c);
    run.forward(card, c);
    run.backward(card, c);
    for (int64_t t = 0; t < c.k_rows; t++) {
      const bool seen = (t >= 70 && t < 103) || (t >= 2 && t < 22);
      for (int64_t i = 0; i < 2 * run.k_cols; i++) {
        if (seen) continue;
        EXPECT_EQ(run.dkv.get(t, i), 0) << t;
      }
    }
  }
}

TEST(CudaAttention, WindowsDoNotSeeEachOther) {
  const Case c = windows("two", shape_of(2, 1, 64), {20, 30});
  Operands run(c, DType::bf16, 0);
  Card card(c);
  run.forward(card, c);
  const std::vector<double> before = values_of(run.o);
  for (int64_t i = 0; i < 2 * run.k_cols; i++) run.kv.set(19, i, 100);  // the last key of the first window
  card.forget(run.kv);
  run.forward(card, c);
  const std::vector<double> after = values_of(run.o);
  for (int64_t t = 0; t < 50; t++)
    for (int64_t i = 0; i < run.q_cols; i++) {
      const auto at = static_cast<size_t>(t * run.q_cols + i);
      EXPECT_EQ(before[at] == after[at], t != 19) << t;
    }
}

// Scores that grow by far more than the slack of the running maximum, in every direction.
TEST(CudaAttention, ScoresOfEverySize) {
  Case c = windows("large scores", shape_of(1, 1, 64), {100});
  Operands run(c, DType::bf16, 0);
  for (int64_t t = 0; t < 100; t++)
    for (int64_t i = 0; i < 64; i++) {
      run.q.set(t, i, run.q.get(t, i) * (t % 3 == 0 ? 40 : 1));
      run.kv.set(t, i, run.kv.get(t, i) * static_cast<double>(1 + t % 50));
    }
  const Operands want = twin(run, c, false);
  Card card(c);
  run.forward(card, c);
  expect_near(run.o, want.o, kBf16, "o");
}

TEST(CudaAttention, MoreRangesThanFitAreTakenInParts) {
  Case c{"pieces", shape_of(1, 1, 64), {}, {}, {}, 40, 200};
  for (int32_t row = 0; row < 40; row++) {
    c.segments.push_back({row, 1, static_cast<int32_t>(c.ranges.size()), 400});
    for (int32_t r = 0; r < 400; r++) c.ranges.push_back({(r * 7 + row) % 199, r % 100 == 99 ? 1 : 0});
    c.visible.push_back(1);
  }
  const Operands run(c, DType::bf16, 0);
  const Operands want = twin(run, c, false);
  Card card(c);
  run.forward(card, c);
  EXPECT_GT(card.uploads, 1);
  expect_near(run.o, want.o, kBf16, "o");
}

}  // namespace
}  // namespace vq::test
