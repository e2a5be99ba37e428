// linear, linear_backward, matmul and embed compared with plain loops in double precision (gemm.h).
#include "tests/gemm.h"

namespace vq::test {
namespace {

struct Case {
  int64_t t, n, k;
};
// 1, odd, few rows (read in place) and many, around tile and block sizes, longer than a block of k.
const Case kCases[] = {{1, 1, 1},    {1, 70, 33},  {3, 5, 2},     {5, 17, 64},   {8, 130, 257},  {9, 1, 31},
                       {13, 47, 45}, {33, 8, 300}, {97, 96, 129}, {100, 33, 16}, {110, 65, 290}, {2, 257, 100}};

class Linear : public OnEachKernel {};

std::string describe(const Case& s, DType stored, DType compute) {
  return std::to_string(s.t) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) + " stored " +
         std::to_string(static_cast<int>(stored)) + " compute " + std::to_string(static_cast<int>(compute));
}

TEST_P(Linear, StackedWeightsMatchDoublePrecision) {
  const auto device = open();
  for (const Case& s : kCases)
    for (DType stored : {DType::f32, DType::bf16, DType::f16})
      for (DType compute : {DType::f32, DType::bf16}) {
        // Across the cases, every stored type is combined with every use.
        const unsigned further[] = {0u, use_decode + 0u, use_decode | use_copy};
        const unsigned uses =
            use_forward | use_backward | further[static_cast<size_t>(s.t + s.n + static_cast<int>(stored)) % 3];
        // Three blocks, the second of odd size.
        const int64_t first = (s.n + 2) / 3, second = s.n / 3;
        const int64_t rows[] = {first, second, s.n - first - second};
        std::vector<Matrix> parts;
        std::vector<WeightBlock> blocks;
        for (int i = 0; i < 3; i++) {
          parts.emplace_back(rows[i], s.k, stored);
          parts.back().fill(7 + static_cast<uint32_t>(i));
        }
        for (int i = 0; i < 3; i++)
          if (rows[i] > 0) blocks.push_back({parts[static_cast<size_t>(i)].tensor().data, stored, rows[i]});
        const auto w_at = [&](int64_t j, int64_t i) {
          size_t p = 0;
          while (j >= parts[p].rows()) j -= parts[p++].rows();
          return parts[p].get(j, i);
        };
        const std::unique_ptr<Weight> w(device->make_weight(blocks, s.k, compute, uses));
        const WeightBytes promised = device->weight_bytes(blocks, s.k, compute, uses);
        EXPECT_EQ(promised.owned, w->bytes.owned);
        EXPECT_EQ(promised.borrowed, w->bytes.borrowed);
        EXPECT_EQ(w->n, s.n);

        for (DType type : {DType::f32, DType::bf16}) {
          const std::string what = describe(s, stored, compute) + " type " + std::to_string(static_cast<int>(type));
          Matrix x(s.t, s.k, type, 3), dy(s.t, s.n, type, 1), y(s.t, s.n, type, 5), dx(s.t, s.k, type),
              before(s.t, s.n, DType::f32, 2);
          x.fill(1);
          dy.fill(2);
          before.fill(3);
          const Operand xs(s.t, s.k, compute, [&](int64_t r, int64_t i) { return x.get(r, i); });
          const Operand dys(s.t, s.n, compute, [&](int64_t r, int64_t i) { return dy.get(r, i); });
          const Operand ws(s.n, s.k, compute, w_at);
          const Operand turned(s.k, s.n, compute, [&](int64_t j, int64_t i) { return w_at(i, j); });
          const Expected forward(xs, ws, s.t, s.n), backward(dys, turned, s.t, s.k);
          device->linear(y, x, *w, nullptr);
          forward.check(y, 1, nullptr, "linear " + what);
          device->linear(y, x, *w, &before.tensor());
          forward.check(y, 1, &before, "linear + add " + what);
          const Matrix old = before;
          Matrix same(s.t, s.n);
          same.fill(3);
          device->linear(same, x, *w, &same.tensor());
          forward.check(same, 1, &old, "linear + itself " + what);
          device->linear_backward(dx, dy, *w, false);
          backward.check(dx, 1, nullptr, "linear_backward " + what);
          const Matrix dx_before = dx;
          Matrix dx2(s.t, s.k, type);
          device->copy(dx2, dx_before);
          device->linear_backward(dx2, dy, *w, true);
          backward.check(dx2, 1, &dx_before, "linear_backward accumulated " + what);
        }
      }
}

TEST_P(Linear, MatmulMatchesDoublePrecision) {
  const auto device = open();
  for (const Case& s : kCases)
    for (DType compute : {DType::f32, DType::bf16})
      for (int flags = 0; flags < 16; flags++) {
        const bool ta = flags & 1, tb = flags & 2;
        const DType a_type = flags & 4 ? DType::bf16 : DType::f32, b_type = flags & 8 ? DType::bf16 : DType::f32;
        Matrix a(ta ? s.k : s.t, ta ? s.t : s.k, a_type, 2), b(tb ? s.n : s.k, tb ? s.k : s.n, b_type, 1);
        a.fill(4);
        b.fill(5);
        const Operand as(s.t, s.k, compute, [&](int64_t r, int64_t i) { return ta ? a.get(i, r) : a.get(r, i); });
        const Operand bs(s.n, s.k, compute, [&](int64_t j, int64_t i) { return tb ? b.get(j, i) : b.get(i, j); });
        const Expected expected(as, bs, s.t, s.n);
        const std::string what = "matmul " + describe(s, a_type, compute) + " flags " + std::to_string(flags);
        Matrix c(s.t, s.n, flags & 4 ? DType::f32 : DType::bf16, 4);
        device->matmul(c, a, ta, b, tb, 0.5f, false, compute);
        expected.check(c, 0.5, nullptr, what);
        Matrix sum(s.t, s.n);
        sum.fill(6);
        const Matrix before = sum;
        Matrix again(s.t, s.n);
        again.fill(6);
        device->matmul(again, a, ta, b, tb, -1.5f, true, compute);
        expected.check(again, -1.5, &before, what + " accumulated");
      }
}

TEST_P(Linear, SumsLongerThanASlabAreExact) {
  // Ones and small integers: every partial sum is an integer below 2^24, so the result has no rounding at all.
  const int64_t k = 70001, m = 10, n = 5;
  const auto device = open(2, m, n, k);
  Matrix a(m, k), b(k, n, DType::bf16), c(m, n);
  for (int64_t i = 0; i < k; i++) {
    for (int64_t r = 0; r < m; r++) a.set(r, i, (r + i) % 3);
    for (int64_t j = 0; j < n; j++) b.set(i, j, (i + j) % 5);
  }
  device->matmul(c, a, false, b, false, 1, false, DType::bf16);
  expect_close(
      c,
      [&](int64_t r, int64_t j) {
        double sum = 0;
        for (int64_t i = 0; i < k; i++) sum += static_cast<double>((r + i) % 3 * ((i + j) % 5));
        return sum;
      },
      [](int64_t, int64_t) { return 0.0; }, "long sum");
  const WeightBlock block = {b.tensor().data, DType::bf16, k};  // [k, n]: backward sums over k
  const std::unique_ptr<Weight> w(device->make_weight({&block, 1}, n, DType::bf16, use_backward));
  Matrix c2(m, n);
  device->linear_backward(c2, a, *w, false);
  EXPECT_EQ(values_of(c), values_of(c2));
}

TEST_P(Linear, ThreadsDoNotChangeTheBytes) {
  Matrix a(150, 290), b(120, 290);
  a.fill(1);
  b.fill(2);
  std::vector<char> first;
  for (int threads : {1, 2, 3, 5}) {
    Matrix c(150, 120, DType::bf16);
    open(threads)->matmul(c, a, false, b, true, 1, false, DType::bf16);
    if (first.empty()) first = c.raw();
    EXPECT_EQ(first, c.raw()) << threads;
  }
}

// Tokens that are decoded together get the logits that each gets alone.
TEST_P(Linear, FewRowsDoNotDependOnEachOther) {
  const auto device = open();
  constexpr int64_t kMost = 8, n = 70, k = 448;
  for (WeightFormat format : {WeightFormat::plain, WeightFormat::int8, WeightFormat::fp8, WeightFormat::nf4})
    for (DType stored : {DType::f32, DType::bf16, DType::f16})
      for (DType compute : {DType::f32, DType::bf16}) {
        Matrix weights(n, k, stored), x(kMost, k);
        weights.fill(1);
        x.fill(2);
        const WeightBlock block = {weights.tensor().data, stored, n};
        const std::unique_ptr<Weight> w(device->make_weight({&block, 1}, k, compute, use_decode, format));
        Matrix alone(kMost, n);
        for (int64_t t = 0; t < kMost; t++)
          device->linear(alone.tensor().row_range(t, 1), x.tensor().row_range(t, 1), *w, nullptr);
        for (int64_t rows = 2; rows <= kMost; rows++) {
          Matrix together(rows, n);
          device->linear(together, x.tensor().row_range(0, rows), *w, nullptr);
          for (int64_t t = 0; t < rows; t++)
            for (int64_t j = 0; j < n; j++)
              ASSERT_EQ(together.get(t, j), alone.get(t, j))
                  << describe({rows, n, k}, stored, compute) << " format " << static_cast<int>(format) << " row " << t;
        }
      }
}

TEST_P(Linear, EmbedReadsEveryType) {
  const auto device = open();
  for (DType stored : {DType::f32, DType::bf16, DType::f16})
    for (DType type : {DType::f32, DType::bf16}) {
      Matrix top(5, 19, stored), rest(4, 19, stored), y(6, 19, type, 2);
      top.fill(1);
      rest.fill(2);
      const WeightBlock blocks[] = {{top.tensor().data, stored, 5}, {rest.tensor().data, stored, 4}};
      const std::unique_ptr<Weight> w(device->make_weight(blocks, 19, DType::f32, use_gather));
      const int32_t ids[] = {8, 0, 4, 5, 5, 1};
      device->embed(y, *w, ids);
      expect_close(
          y,
          [&](int64_t r, int64_t c) {
            const int32_t id = ids[r];
            return rounded(id < 5 ? top.get(id, c) : rest.get(id - 5, c), type);
          },
          [](int64_t, int64_t) { return 0.0; }, "embed");
    }
}

VQ_ON_EACH_KERNEL(Linear);

}  // namespace
}  // namespace vq::test
