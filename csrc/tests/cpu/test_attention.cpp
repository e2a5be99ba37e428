// attention and attention_backward compared with the formula in double precision; the reference's backward compared
// with finite differences of its forward.
//
// Tolerances. In f32 a score is within D u S of the exact one (S = scale * sum |q k| <= about 4 sqrt(D) here), so a
// probability has a relative error below e = (2 D S + keys) u, and sums of probabilities with values another keys u:
// all below 2e-5 of the size of the values for the shapes here (gradients: of the largest in the tensor). With bf16
// operands the probabilities and their gradients are rounded to 8 bits where the processor multiplies bf16 (2^-8 each),
// and results are stored in bf16 (2^-8): 2e-2 of the largest holds, errors being independent.
#include "tests/attention.h"

namespace vq::test {
namespace {

std::vector<AttentionCase> cpu_training_cases() {
  return {
      windows("one query", shape_of(2, 1, 8), {1}),
      windows("odd head size", shape_of(3, 3, 5), {11}),
      windows("seven heads to one", shape_of(7, 1, 16), {3, 29, 1, 40}),
      windows("not a power of two", shape_of(4, 2, 48), {50, 33}),
      windows("windows end at block edges", shape_of(2, 2, 32), {96, 144, 128, 32}),
      windows("more than a block", shape_of(4, 2, 64), {300}),
      windows("wide heads", shape_of(2, 1, 130), {70}),
  };
}

// Forward only: prefixes shared between sequences, single requested rows, later parts of a sequence.
std::vector<AttentionCase> cpu_inference_cases() {
  std::vector<AttentionCase> all;
  all.push_back({"decoding with a shared prefix",
                 shape_of(6, 2, 24),
                 {{0, 1, 0, 2}, {1, 1, 2, 2}, {2, 1, 4, 1}},
                 {{0, 301}, {310, 7}, {0, 301}, {320, 1}, {330, 20}},
                 {7, 1, 13},
                 3,
                 360});
  all.push_back({"second part of a prompt", shape_of(4, 2, 16), {{0, 37, 0, 2}}, {{3, 200}, {210, 90}}, {}, 37, 300});
  for (int32_t i = 0; i < 37; i++) all.back().visible.push_back(53 + i + 1);
  // Target rows alone: every fifth of a window, in order.
  all.push_back({"some rows of two windows",
                 shape_of(2, 1, 20),
                 {{0, 8, 0, 1}, {8, 2, 1, 1}, {10, 1, 1, 1}},
                 {{0, 40}, {40, 160}},
                 {},
                 11,
                 200});
  for (int32_t i = 0; i < 8; i++) all.back().visible.push_back(5 * i + 3);
  for (int32_t i : {2, 150, 160}) all.back().visible.push_back(i);
  return all;
}

// The op by its formula; rows [T][heads * D].
struct Reference {
  const AttentionCase& c;
  std::vector<double> q, k, v;
  int64_t dim = c.shape.head_dim, heads = c.shape.heads, group = heads / c.shape.kv_heads;
  int64_t q_cols = heads * dim, k_cols = c.shape.kv_heads * dim;

  // Calls body(query row, head, key rows it sees).
  template <class Body>
  void each_query(Body body) const {
    for (const AttentionSegment& s : c.segments)
      for (int32_t i = 0; i < s.q_count; i++) {
        std::vector<int64_t> keys;
        for (int32_t r = 0; r < s.range_count; r++) {
          const KeyRange& range = c.ranges[static_cast<size_t>(s.first_range + r)];
          const int32_t n = r + 1 < s.range_count
                                ? range.count
                                : std::min(range.count, c.visible[static_cast<size_t>(s.q_begin + i)]);
          for (int32_t j = 0; j < n; j++) keys.push_back(range.begin + j);
        }
        for (int64_t h = 0; h < heads; h++) body(s.q_begin + i, h, keys);
      }
  }
  double dot(const std::vector<double>& a, int64_t at, const std::vector<double>& b, int64_t bt) const {
    double sum = 0;
    for (int64_t d = 0; d < dim; d++) sum += a[static_cast<size_t>(at + d)] * b[static_cast<size_t>(bt + d)];
    return sum;
  }
  std::vector<double> probabilities(int64_t t, int64_t h, const std::vector<int64_t>& keys, double* lse) const {
    std::vector<double> p;
    double top = -1e300, sum = 0;
    for (int64_t j : keys) p.push_back(c.shape.scale * dot(q, t * q_cols + h * dim, k, j * k_cols + h / group * dim));
    for (double x : p) top = std::max(top, x);
    for (double& x : p) sum += x = std::exp(x - top);
    for (double& x : p) x /= sum;
    if (lse) *lse = top + std::log(sum);
    return p;
  }
  void forward(std::vector<double>& o, std::vector<double>& lse) const {
    o.assign(static_cast<size_t>(c.q_rows * q_cols), 0);
    lse.assign(static_cast<size_t>(c.q_rows * heads), 0);
    each_query([&](int64_t t, int64_t h, const std::vector<int64_t>& keys) {
      const std::vector<double> p = probabilities(t, h, keys, &lse[static_cast<size_t>(t * heads + h)]);
      for (size_t j = 0; j < keys.size(); j++)
        for (int64_t d = 0; d < dim; d++)
          o[static_cast<size_t>(t * q_cols + h * dim + d)] +=
              p[j] * v[static_cast<size_t>(keys[j] * k_cols + h / group * dim + d)];
    });
  }
  void backward(const std::vector<double>& g, std::vector<double>& dq, std::vector<double>& dk,
                std::vector<double>& dv) const {
    dq.assign(q.size(), 0);
    dk.assign(k.size(), 0);
    dv.assign(v.size(), 0);
    each_query([&](int64_t t, int64_t h, const std::vector<int64_t>& keys) {
      const std::vector<double> p = probabilities(t, h, keys, nullptr);
      const int64_t at = t * q_cols + h * dim;
      std::vector<double> dp;
      double mean = 0;
      for (size_t j = 0; j < keys.size(); j++) {
        dp.push_back(dot(g, at, v, keys[j] * k_cols + h / group * dim));
        mean += p[j] * dp[j];
      }
      for (size_t j = 0; j < keys.size(); j++) {
        const double ds = p[j] * (dp[j] - mean) * c.shape.scale;
        for (int64_t d = 0; d < dim; d++) {
          const auto x = static_cast<size_t>(at + d), y = static_cast<size_t>(keys[j] * k_cols + h / group * dim + d);
          dq[x] += ds * k[y];
          dk[y] += ds * q[x];
          dv[y] += p[j] * g[x];
        }
      }
    });
  }
};

void expect_near_largest(const Matrix& got, const std::vector<double>& want, double tolerance,
                         const std::string& what) {
  double largest = 0.1;  // if everything cancels, the errors are of the size of the terms, about 1
  for (double x : want) largest = std::max(largest, std::fabs(x));
  expect_close(
      got, [&](int64_t r, int64_t c) { return want[static_cast<size_t>(r * got.cols() + c)]; },
      [&](int64_t, int64_t) { return tolerance * largest; }, what);
}

class Attention : public OnEachKernel {
 protected:
  // q, k, v are side by side in one matrix, as in the model.
  struct Run {
    Run(const AttentionCase& c, DType type)
        : q_cols(c.shape.heads * c.shape.head_dim),
          k_cols(c.shape.kv_heads * c.shape.head_dim),
          q(c.q_rows, q_cols, type, 3),
          kv(c.k_rows, 2 * k_cols, type, 1),
          o(c.q_rows, q_cols, type, 2),
          lse(c.q_rows, c.shape.heads),
          dout(c.q_rows, q_cols, type, 5),
          dq(c.q_rows, q_cols, type, 1),
          dkv(c.k_rows, 2 * k_cols, type, 2),
          plan(c.plan()) {
      q.fill(1);
      kv.fill(2);
      dout.fill(3);
    }
    Tensor k() const { return kv.tensor().columns(0, k_cols); }
    Tensor v() const { return kv.tensor().columns(k_cols, k_cols); }
    Reference reference(const AttentionCase& c) const {
      Reference r{c, values_of(q), {}, {}};
      for (int64_t t = 0; t < kv.rows(); t++)
        for (int64_t i = 0; i < 2 * k_cols; i++) (i < k_cols ? r.k : r.v).push_back(kv.get(t, i));
      return r;
    }
    int64_t q_cols, k_cols;
    Matrix q, kv, o, lse, dout, dq, dkv;
    AttentionPlan plan;
  };

  static double tolerance(DType type) { return type == DType::f32 ? 2e-5 : 2e-2; }

  void expect_forward(const AttentionCase& c, DType type) {
    const std::string what = c.name + (type == DType::f32 ? " f32" : " bf16");
    const Run run(c, type);
    const auto device = open(2, std::max(c.q_rows, c.k_rows), 1, 1, c.shape);
    device->attention(run.o, run.lse.floats(), run.q, run.k(), run.v(), c.shape, run.plan);
    std::vector<double> o, lse;
    run.reference(c).forward(o, lse);
    expect_near_largest(run.o, o, tolerance(type), what + " o");
    expect_near_largest(run.lse, lse, 2e-5, what + " lse");
    const Matrix first = run.o;
    device->attention(run.o, nullptr, run.q, run.k(), run.v(), c.shape, run.plan);
    EXPECT_EQ(first.raw(), run.o.raw()) << what << ": another result the second time";
  }
};

TEST(AttentionReference, BackwardMatchesFiniteDifferences) {
  const AttentionCase c = windows("small", shape_of(4, 2, 3), {5, 2});
  std::mt19937 generator(1);
  std::normal_distribution<double> normal;
  Reference r{c, {}, {}, {}};
  for (int i = 0; i < 7 * 12; i++) r.q.push_back(normal(generator));
  for (int i = 0; i < 7 * 6; i++) r.k.push_back(normal(generator)), r.v.push_back(normal(generator));
  std::vector<double> g, dq, dk, dv;
  for (int i = 0; i < 7 * 12; i++) g.push_back(normal(generator));
  r.backward(g, dq, dk, dv);
  const auto loss = [&] {
    std::vector<double> o, lse;
    r.forward(o, lse);
    double sum = 0;
    for (size_t i = 0; i < o.size(); i++) sum += o[i] * g[i];
    return sum;
  };
  const auto agree = [&](std::vector<double>& x, const std::vector<double>& d) {
    const std::vector<double> numeric = finite_differences(x, loss);
    for (size_t i = 0; i < d.size(); i++) EXPECT_NEAR(d[i], numeric[i], 1e-8);
  };
  agree(r.q, dq);
  agree(r.k, dk);
  agree(r.v, dv);
}

TEST_P(Attention, ForwardMatchesDoublePrecision) {
  for (DType type : {DType::f32, DType::bf16}) {
    for (const AttentionCase& c : cpu_training_cases()) expect_forward(c, type);
    for (const AttentionCase& c : cpu_inference_cases()) expect_forward(c, type);
  }
}

TEST_P(Attention, AllowsMoreKeysThanReservedRows) {
  // A long cache and a small workspace: keys are packed as they are needed.
  AttentionCase c{"long cache",
                  shape_of(4, 2, 64),
                  {{0, 5, 0, 1}, {5, 1, 0, 1}},
                  {{0, 3000}},
                  {2996, 2997, 2998, 2999, 3000, 3000},
                  6,
                  3000};
  const Run run(c, DType::f32);
  const auto device = open(2, 6, 1, 1, c.shape);
  device->attention(run.o, run.lse.floats(), run.q, run.k(), run.v(), c.shape, run.plan);
  std::vector<double> o, lse;
  run.reference(c).forward(o, lse);
  expect_near_largest(run.o, o, 4e-5, "o");
}

TEST_P(Attention, BackwardMatchesDoublePrecision) {
  for (DType type : {DType::f32, DType::bf16})
    for (const AttentionCase& c : cpu_training_cases()) {
      const Run run(c, type);
      std::vector<double> dq, dk, dv, dkv;
      run.reference(c).backward(values_of(run.dout), dq, dk, dv);
      for (int64_t t = 0; t < c.k_rows; t++) {
        dkv.insert(dkv.end(), dk.begin() + t * run.k_cols, dk.begin() + (t + 1) * run.k_cols);
        dkv.insert(dkv.end(), dv.begin() + t * run.k_cols, dv.begin() + (t + 1) * run.k_cols);
      }
      for (int threads : {1, 2, 3}) {
        const std::string what = c.name + (type == DType::f32 ? " f32 " : " bf16 ") + std::to_string(threads);
        const auto device = open(threads, c.q_rows, 1, 1, c.shape);
        device->attention(run.o, run.lse.floats(), run.q, run.k(), run.v(), c.shape, run.plan);
        const Tensor dk_part = run.dkv.tensor().columns(0, run.k_cols);
        const Tensor dv_part = run.dkv.tensor().columns(run.k_cols, run.k_cols);
        const auto backward = [&] {
          device->attention_backward(run.dq, dk_part, dv_part, run.dout, run.q, run.k(), run.v(), run.o,
                                     run.lse.floats(), c.shape, run.plan);
        };
        backward();
        expect_near_largest(run.dq, dq, tolerance(type), what + " dq");
        expect_near_largest(run.dkv, dkv, tolerance(type), what + " dk, dv");
        const Matrix first_q = run.dq, first_kv = run.dkv;
        backward();
        EXPECT_EQ(first_q.raw(), run.dq.raw()) << what << ": another dq the second time";
        EXPECT_EQ(first_kv.raw(), run.dkv.raw()) << what << ": another dk, dv the second time";
      }
    }
}

TEST_P(Attention, RowsOutsideSegmentsGetNoGradient) {
  // Queries of the last rows only, as in the last layer: the gradients of the other rows must be cleared.
  AttentionCase c{"targets", shape_of(2, 1, 16), {{0, 3, 0, 1}}, {{2, 20}}, {5, 9, 20}, 3, 25};
  const Run run(c, DType::f32);
  for (int64_t t = 0; t < 25; t++)
    for (int64_t i = 0; i < 2 * run.k_cols; i++) const_cast<Matrix&>(run.dkv).set(t, i, 7);
  const auto device = open(2, 25, 1, 1, c.shape);
  device->attention(run.o, run.lse.floats(), run.q, run.k(), run.v(), c.shape, run.plan);
  device->attention_backward(run.dq, run.dkv.tensor().columns(0, run.k_cols),
                             run.dkv.tensor().columns(run.k_cols, run.k_cols), run.dout, run.q, run.k(), run.v(), run.o,
                             run.lse.floats(), c.shape, run.plan);
  for (int64_t t : {0, 1, 22, 23, 24})
    for (int64_t i = 0; i < 2 * run.k_cols; i++) EXPECT_EQ(run.dkv.get(t, i), 0) << t;
}

TEST_P(Attention, WindowsDoNotSeeEachOther) {
  const AttentionCase c = windows("two", shape_of(2, 1, 16), {20, 30});
  Run run(c, DType::f32);
  const auto device = open(2, 50, 1, 1, c.shape);
  device->attention(run.o, run.lse.floats(), run.q, run.k(), run.v(), c.shape, run.plan);
  const std::vector<double> before = values_of(run.o);
  for (int64_t i = 0; i < 2 * run.k_cols; i++) run.kv.set(19, i, 100);  // the last key of the first window
  device->attention(run.o, run.lse.floats(), run.q, run.k(), run.v(), c.shape, run.plan);
  const std::vector<double> after = values_of(run.o);
  for (int64_t t = 0; t < 50; t++)
    for (int64_t i = 0; i < run.q_cols; i++) {
      const auto at = static_cast<size_t>(t * run.q_cols + i);
      if (t == 19)
        EXPECT_NE(before[at], after[at]);
      else
        EXPECT_EQ(before[at], after[at]) << t;
    }
}

VQ_ON_EACH_KERNEL(Attention);

}  // namespace
}  // namespace vq::test
