// GEMMs whose operands are both in fp8 (WeightFormat::fp8_gemm) on any device, against the CPU.
#pragma once

#include "tests/backend/device_pair.h"

namespace vq::test {

struct GemmSizes {
  int64_t m, n, k;
};

// Compares linear and linear_backward with fp8_gemm on `device` (not necessarily the pair's candidate) with the CPU:
// sizes that fp8 units support and sizes that they do not, few rows, and more columns than are scaled at once.
inline void expect_fp8_gemms(Device& device, const std::string& how) {
  device.reserve_cast_workspace(40, 160, WeightFormat::fp8_gemm);
  for (const GemmSizes& s : {GemmSizes{1, 32, 48}, GemmSizes{8, 16, 16}, GemmSizes{9, 48, 32}, GemmSizes{40, 160, 64},
                             GemmSizes{12, 35, 64}, GemmSizes{12, 64, 35}, GemmSizes{10, 24, 7}})
    for (DType compute : {DType::f32, DType::bf16})
      for (DType result : {DType::f32, DType::bf16}) {
        if (compute == DType::f32 && result == DType::bf16) continue;
        const std::string what = how + " " + std::to_string(s.m) + "x" + std::to_string(s.n) + "x" +
                                 std::to_string(s.k) + name_of(compute) + name_of(result);
        const int64_t first = s.n / 3;
        Matrix upper(first, s.k, DType::bf16), lower(s.n - first, s.k, DType::bf16);
        upper.fill(1);
        lower.fill(2, 0.01);
        for (int64_t i = 0; i < s.k; i++) lower.set(1, i, 0);
        const std::vector<WeightBlock> blocks = {{upper.tensor().data, DType::bf16, first},
                                                 {lower.tensor().data, DType::bf16, s.n - first}};
        Matrix values(s.m, s.k, compute);
        values.fill(3);
        values.set(0, s.k / 2, 300);
        PairMatrix x(values), y(s.m, s.n, result, 8, 4), sum(s.m, s.n, result, 16, 5), dx(s.m, s.k, result, 8, 6),
            dx_sum(s.m, s.k, result, 0, 7), dy(s.m, s.n, compute, 8, 8);
        on_both([&](Device& of_pair, Side side) {
          Device& d = side == candidate ? device : of_pair;
          of_pair.synchronize();  // two devices have two streams
          const unsigned uses = use_forward | use_backward | use_decode;
          const std::unique_ptr<Weight> w(d.make_weight(blocks, s.k, compute, uses, WeightFormat::fp8_gemm));
          EXPECT_EQ(w->n, s.n);
          const Tensor in_place = sum[side];
          d.linear(y[side], x[side], *w, nullptr);
          d.linear(in_place, x[side], *w, &in_place);
          d.linear_backward(dx[side], dy[side], *w, false);
          d.linear_backward(dx_sum[side], dy[side], *w, true);
          d.synchronize();
        });
        // In bf16 the rounded operands may be rounded once more.
        const auto within = [&](int64_t terms) {
          if (compute == DType::bf16) return Tolerance{kUnitBf16, 2 * kUnitBf16};
          return Tolerance{static_cast<double>(8 + terms) * kUnit32, static_cast<double>(32 + 4 * terms) * kUnit32};
        };
        expect_agree(y, within(s.k), "linear " + what);
        expect_agree(sum, within(s.k), "linear in place " + what);
        expect_agree(dx, within(s.n), "linear_backward " + what);
        expect_agree(dx_sum, within(s.n), "linear_backward accumulated " + what);
      }
}

}  // namespace vq::test
