// linear, linear_backward, matmul and embed, with weights of every format on the device under test, compared with the
// CPU.
#include "ops/e4m3.h"
#include "tests/backend/cases.h"
#include "tests/backend/fp8_gemms.h"

namespace vq::test {
namespace {

struct Multiplied {
  int64_t m, n, k;
};
constexpr Multiplied kGemms[] = {{1, 1, 1}, {1, 40, 24}, {7, 5, 9}, {3, 130, 33}, {20, 17, 64}};

// With bf16 operands the CPU may sum in another order, and round GEMM operands that are sums once more.
Tolerance gemm_tolerance(DType result, int64_t k) {
  if (result == DType::bf16) return {kUnitBf16, 1.5 * kUnitBf16};
  return {static_cast<double>(8 + k) * kUnit32, static_cast<double>(32 + 4 * k) * kUnit32};
}

TEST(BackendLinear, LinearMatchesReference) {
  for (const Multiplied& s : kGemms)
    for (DType compute : kTypes)
      for (DType result : kTypes) {
        if (compute == DType::f32 && result == DType::bf16) continue;
        const std::string what = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
                                 name_of(compute) + name_of(result);
        // Stacked from two blocks of different types, neither of which is the GEMM type.
        const int64_t first = s.n / 3;
        Matrix upper(first, s.k, DType::f32), lower(s.n - first, s.k, DType::f16);
        upper.fill(1);
        lower.fill(2);
        std::vector<WeightBlock> blocks;
        if (first > 0) blocks.push_back({upper.tensor().data, DType::f32, first});
        blocks.push_back({lower.tensor().data, DType::f16, s.n - first});
        PairMatrix x(s.m, s.k, compute, 3, 3), y(s.m, s.n, result, 1, 4), add(s.m, s.n, result, 2, 5),
            sum(s.m, s.n, result, 0, 6), dx(s.m, s.k, result, 2, 7), dy(s.m, s.n, compute, 1, 8),
            dx_sum(s.m, s.k, result, 2, 9);
        on_both([&](Device& d, Side side) {
          const std::unique_ptr<Weight> w(d.make_weight(blocks, s.k, compute, use_forward | use_backward));
          EXPECT_EQ(w->n, s.n);
          d.linear(y[side], x[side], *w, nullptr);
          const Tensor a = add[side], in_place = sum[side];
          d.linear(in_place, x[side], *w, &in_place);
          d.linear(y[side], x[side], *w, &a);
          d.linear_backward(dx[side], dy[side], *w, false);
          d.linear_backward(dx_sum[side], dy[side], *w, true);
          d.synchronize();
        });
        expect_agree(y, gemm_tolerance(result, s.k), "linear " + what);
        expect_agree(sum, gemm_tolerance(result, s.k), "linear in place " + what);
        expect_agree(dx, gemm_tolerance(result, s.n), "linear_backward " + what);
        expect_agree(dx_sum, gemm_tolerance(result, s.n), "linear_backward accumulated " + what);
      }
}

TEST(BackendLinear, QuantizedWeightsMatchReference) {
  if (!DevicePair::get()[candidate].capabilities().quantized_weights) GTEST_SKIP() << "no quantized weights";
  for (const Multiplied& s :
       {Multiplied{1, 6, 7}, Multiplied{3, 40, 64}, Multiplied{8, 9, 72}, Multiplied{20, 33, 200}})
    for (WeightFormat format : {WeightFormat::int8, WeightFormat::nf4, WeightFormat::fp8})
      for (DType compute : kTypes) {
        const std::string what = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
                                 " format " + std::to_string(static_cast<int>(format)) + name_of(compute);
        const int64_t first = s.n / 3;
        Matrix upper(first, s.k, DType::bf16), lower(s.n - first, s.k, DType::bf16);
        upper.fill(1);
        lower.fill(2, 0.01);
        const std::vector<WeightBlock> blocks = {{upper.tensor().data, DType::bf16, first},
                                                 {lower.tensor().data, DType::bf16, s.n - first}};
        PairMatrix x(s.m, s.k, compute, 0, 3), y(s.m, s.n, DType::f32, 1, 4), sum(s.m, s.n, DType::f32, 2, 5),
            dx(s.m, s.k, compute, 2, 6), dy(s.m, s.n, compute, 1, 7);
        on_both([&](Device& d, Side side) {
          const unsigned uses = use_forward | use_backward | use_decode;
          const std::unique_ptr<Weight> w(d.make_weight(blocks, s.k, compute, uses, format));
          const Tensor in_place = sum[side];
          d.linear(y[side], x[side], *w, nullptr);
          d.linear(in_place, x[side], *w, &in_place);
          d.linear_backward(dx[side], dy[side], *w, false);
          d.linear_backward(dx[side], dy[side], *w, true);
          d.synchronize();
        });
        // In bf16 either device may round the matrix's values or not.
        Tolerance within = gemm_tolerance(DType::f32, s.k);
        if (compute == DType::bf16) within = {kUnitBf16, 2 * kUnitBf16};
        expect_agree(y, within, "linear " + what);
        expect_agree(sum, within, "linear in place " + what);
        Tolerance back = gemm_tolerance(compute, s.n);
        if (compute == DType::bf16) back = {2 * kUnitBf16, 3 * kUnitBf16};
        expect_agree(dx, back, "linear_backward " + what);
      }
}

TEST(BackendLinear, MatmulMatchesReference) {
  for (const Multiplied& s : kGemms)
    for (DType compute : kTypes)
      for (bool ta : {false, true})
        for (bool tb : {false, true})
          for (bool accumulate : {false, true}) {
            const std::string what = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
                                     name_of(compute) + (ta ? " ta" : "") + (tb ? " tb" : "");
            PairMatrix a(ta ? s.k : s.m, ta ? s.m : s.k, compute, 1, 1),
                b(tb ? s.n : s.k, tb ? s.k : s.n, compute, 0, 2), c(s.m, s.n, DType::f32, 2, 3);
            on_both(
                [&](Device& d, Side side) { d.matmul(c[side], a[side], ta, b[side], tb, 0.5f, accumulate, compute); });
            expect_agree(c, gemm_tolerance(DType::f32, s.k), what);
          }
}

// Libraries split long sums; the parts must be added in f32 and rounded to bf16 once: z = x A^T of the down projection.
TEST(BackendLinear, LongSumsAreRoundedOnce) {
  constexpr int64_t kRows = 32, kCols = 16, kDepth = 12288;
  const Matrix a = Matrix(kRows, kDepth, DType::bf16).fill(1), b = Matrix(kCols, kDepth, DType::bf16).fill(2);
  PairMatrix x(a), y(b), z(kRows, kCols, DType::bf16, 0, 3);
  on_both([&](Device& d, Side side) { d.matmul(z[side], x[side], false, y[side], true, 1, false, DType::bf16); });
  const Matrix got = z.result(candidate);
  for (int64_t r = 0; r < kRows; r++)
    for (int64_t c = 0; c < kCols; c++) {
      double sum = 0, terms = 0;
      for (int64_t i = 0; i < kDepth; i++) {
        const double term = a.get(r, i) * b.get(c, i);
        sum += term;
        terms += std::fabs(term);
      }
      const double half_a_step = std::ldexp(kUnitBf16, std::ilogb(sum));
      EXPECT_NEAR(got.get(r, c), sum, half_a_step + 64 * kUnit32 * terms) << r << " " << c;
    }
}

TEST(BackendLinear, EmbedIsExact) {
  for (DType file : {DType::f32, DType::bf16, DType::f16})
    for (DType compute : kTypes)
      for (unsigned uses : {unsigned{use_gather}, use_gather | use_forward}) {
        Matrix values(9, 24, file);
        values.fill(1);
        const WeightBlock block{values.tensor().data, file, 9};
        PairMatrix y(5, 24, DType::f32, 4, 2);
        PairArray<int32_t> ids({8, 0, 3, 3, 1});
        on_both([&](Device& d, Side side) {
          const std::unique_ptr<Weight> w(d.make_weight({&block, 1}, 24, compute, uses));
          d.embed(y[side], *w, ids[side]);
          d.synchronize();
        });
        expect_equal(y, name_of(file) + name_of(compute));
      }
}

TEST(BackendLinear, Fp8GemmsMatchReference) {
  Device& device = DevicePair::get()[candidate];
  if (!device.capabilities().fp8_gemm) GTEST_SKIP() << "no fp8 GEMM";
  expect_fp8_gemms(device, "");
}

// Times an identity matrix, a row comes back as its codes. The largest of each row is 448, so that codes are not
// scaled.
TEST(BackendLinear, Fp8OperandsRoundAsTheContractSays) {
  if (!DevicePair::get()[candidate].capabilities().fp8_gemm) GTEST_SKIP() << "no fp8 GEMM";
  constexpr int64_t kSize = 32;
  std::vector<float> inputs;
  for (uint32_t code = 0; code < 0x7e; code++) {
    const float number = e4m3_value(code), tie = (number + e4m3_value(code + 1)) / 2;
    for (float x : {number, std::nextafter(tie, 0.0f), tie, std::nextafter(tie, 1e9f)}) {
      inputs.push_back(x);
      inputs.push_back(-x);
    }
  }
  const auto rows = static_cast<int64_t>(inputs.size() + kSize - 2) / (kSize - 1);
  Matrix identity(kSize, kSize), values(rows, kSize);
  for (int64_t i = 0; i < kSize; i++) identity.set(i, i, 1);
  for (int64_t r = 0; r < rows; r++) values.set(r, kSize - 1, kLargestE4m3);
  for (size_t i = 0; i < inputs.size(); i++)
    values.set(static_cast<int64_t>(i) / (kSize - 1), static_cast<int64_t>(i) % (kSize - 1), inputs[i]);
  PairMatrix x(values), y(rows, kSize, DType::f32, 0, 1);
  on_both([&](Device& d, Side side) {
    d.reserve_cast_workspace(rows, kSize, WeightFormat::fp8_gemm);
    const WeightBlock block{identity.tensor().data, DType::f32, kSize};
    const std::unique_ptr<Weight> w(d.make_weight({&block, 1}, kSize, DType::f32, use_forward, WeightFormat::fp8_gemm));
    d.linear(y[side], x[side], *w, nullptr);
    d.synchronize();
  });
  for (Side side : {reference, candidate}) {
    const Matrix got = y.result(side);
    for (size_t i = 0; i < inputs.size(); i++) {
      const float want = e4m3_value(e4m3_code(inputs[i]));
      const auto at = static_cast<int64_t>(i);
      EXPECT_NEAR(got.get(at / (kSize - 1), at % (kSize - 1)), want, 4 * kUnit32 * std::fabs(want)) << inputs[i];
    }
  }
}

}  // namespace
}  // namespace vq::test
