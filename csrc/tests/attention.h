// Shared by the tests of attention: plans, operands, and tolerances relative to the CPU's f32 results on the same
// values.
//
// Tolerances. Operands are bf16, so products of two of them are exact in f32. Probabilities and their gradients are
// rounded to bf16 (relative 2^-9 each, to nearest) before the next GEMM, and so are bf16 results. The errors of the
// terms of a sum are independent, so a result is within a few 2^-9 of the largest: 1e-2 of it, and the normalized
// squared error (sum of squared errors over sum of squares) is below (2^-8)^2 = 1.5e-5. In f32 sums of n terms are
// within n 2^-24 of the sizes of their terms.
#pragma once

#include <cmath>
#include <map>

#include "tests/support.h"

namespace vq::test {

struct AttentionCase {
  std::string name;
  AttentionShape shape;
  std::vector<AttentionSegment> segments;
  std::vector<KeyRange> ranges;
  std::vector<int32_t> visible;
  int64_t q_rows, k_rows;
  AttentionPlan plan() const { return {segments, ranges, visible}; }
};

inline AttentionShape shape_of(int heads, int kv_heads, int dim) {
  return {heads, kv_heads, dim, 1.0f / std::sqrt(static_cast<float>(dim))};
}

// Windows end to end, each causal.
inline AttentionCase windows(const std::string& name, AttentionShape shape, const std::vector<int32_t>& lengths) {
  AttentionCase c{name, shape, {}, {}, {}, 0, 0};
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

// Some rows of each window, as in the last layer: the rows at the given positions.
inline AttentionCase window_rows(const std::string& name, AttentionShape shape,
                                 const std::vector<std::pair<int32_t, std::vector<int32_t>>>& each) {
  AttentionCase c{name, shape, {}, {}, {}, 0, 0};
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

std::vector<AttentionCase> training_cases();
std::vector<AttentionCase> inference_cases();
// Windows with lengths around the tile sizes, and all kinds of head sizes and groups.
AttentionCase random_case(uint32_t seed);

// Copies of matrices in device memory.
class DeviceCopies {
 public:
  explicit DeviceCopies(Device& device) : device_(device) {}
  DeviceCopies(const DeviceCopies&) = delete;
  DeviceCopies& operator=(const DeviceCopies&) = delete;
  ~DeviceCopies() {
    for (auto& [matrix, memory] : copies_) device_.free(memory);
  }
  // The copy, created at the first call. It includes the rows and the gaps between them, but no guards.
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

 private:
  static size_t bytes_of_rows(const Matrix& m) {
    const Tensor& t = m.tensor();
    return static_cast<size_t>((t.rows - 1) * t.stride + t.cols) * size_of(t.dtype);
  }
  Device& device_;
  std::map<const Matrix*, void*> copies_;
};

// Operands and results of a case. k and v are side by side in one matrix, as the model has them.
// A Target computes attention on some device: it has `copies` (DeviceCopies), attention(...) and
// attention_backward(...) with the arguments of the ops, and finish(), after which the results are available.
struct AttentionRun {
  // pad: elements between rows; determines whether 16 bytes can be copied at once.
  AttentionRun(const AttentionCase& c, DType type, int64_t pad)
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
  Tensor keys(const Tensor& kv_or_dkv) const { return kv_or_dkv.columns(0, k_cols); }
  Tensor values(const Tensor& kv_or_dkv) const { return kv_or_dkv.columns(k_cols, k_cols); }

  template <class Target>
  void forward(Target& target, const AttentionCase& c) const {
    DeviceCopies& on = target.copies;
    const Tensor all = on(kv);
    target.attention(on(o), on.floats(lse), on(q), keys(all), values(all), c.shape, c.plan());
    target.finish();
    for (const Matrix* m : {&o, &lse}) on.fetch(*m);
  }
  template <class Target>
  void backward(Target& target, const AttentionCase& c) const {
    DeviceCopies& on = target.copies;
    const Tensor all = on(kv), d_all = on(dkv);
    target.attention_backward(on(dq), keys(d_all), values(d_all), on(dout), on(q), keys(all), values(all), on(o),
                              on.floats(lse), c.shape, c.plan());
    target.finish();
    for (const Matrix* m : {&dq, &dkv}) on.fetch(*m);
  }

  int64_t q_cols, k_cols;
  Matrix q, kv, o, lse, dout, dq, dkv;
};

// The CPU's f32 results for the operands of a run.
AttentionRun f32_reference(const AttentionRun& run, const AttentionCase& c, bool backward);

struct Bound {
  double of_largest, normalized;
};
constexpr Bound kBf16Bound = {1e-2, 1.5e-5};
constexpr Bound kF32Bound = {2e-5, 1e-10};
inline Bound bound_of(DType type) { return type == DType::bf16 ? kBf16Bound : kF32Bound; }

void expect_near(const Matrix& got, const Matrix& want, Bound bound, const std::string& what);

// Runs both passes twice: the second run must produce the same bytes.
template <class Target>
void expect_training(Target& target, const AttentionCase& c, DType type, int64_t pad, const std::string& where = "") {
  const std::string what = c.name + (type == DType::f32 ? " f32" : " bf16") + " pad " + std::to_string(pad) + where;
  const AttentionRun run(c, type, pad), want = f32_reference(run, c, true);
  ASSERT_NO_THROW(run.forward(target, c)) << what;
  expect_near(run.o, want.o, bound_of(type), what + " o");
  expect_near(run.lse, want.lse, kF32Bound, what + " lse");
  ASSERT_NO_THROW(run.backward(target, c)) << what;
  // Gradients flow through the rounded o and delta: twice the error.
  const Bound b = {2 * bound_of(type).of_largest, 4 * bound_of(type).normalized};
  expect_near(run.dq, want.dq, b, what + " dq");
  expect_near(run.dkv, want.dkv, b, what + " dk, dv");
  const Matrix o = run.o, dq = run.dq, dkv = run.dkv;
  run.forward(target, c);
  run.backward(target, c);
  EXPECT_EQ(o.raw(), run.o.raw()) << what << ": o differs the second time";
  EXPECT_EQ(dq.raw(), run.dq.raw()) << what << ": dq differs the second time";
  EXPECT_EQ(dkv.raw(), run.dkv.raw()) << what << ": dk, dv differ the second time";
}

}  // namespace vq::test
