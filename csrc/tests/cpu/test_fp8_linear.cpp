// GEMMs with both operands in fp8, compared with double precision GEMMs of the operands rounded as ops.h specifies.
#include "ops/cpu/quantized.h"
#include "tests/fp8.h"
#include "tests/gemm.h"

namespace vq::test {
namespace {

class Fp8Linear : public OnEachKernel {};

// Operands lines [m][k] in double precision.
Operand operand(const std::vector<std::vector<double>>& lines) {
  const auto k = static_cast<int64_t>(lines[0].size());
  Operand o(0, k, DType::f32, [](int64_t, int64_t) { return 0.0; });
  for (const std::vector<double>& line : lines) o.values.insert(o.values.end(), line.begin(), line.end());
  return o;
}

double value_of(const cpu::QuantView& w, int64_t row, int64_t col, bool scaled) {
  float v;
  cpu::QuantView view = w;
  if (!scaled) view.scales = nullptr;
  w.kernels->dequantize({&v, cpu::Elem::f32}, view, row, col, 1, false);
  return v;
}

// Few and many rows; stacked blocks whose rows have different magnitudes, one row all zeros; rows longer than the chunk
// that is rounded at once.
TEST_P(Fp8Linear, MultipliesRoundedOperands) {
  const auto device = open(2, 24, 2100, 2100);
  const int64_t shapes[][3] = {{1, 5, 33},    {4, 70, 64},   {8, 33, 16},  {9, 31, 40},
                               {24, 50, 129}, {11, 2100, 7}, {10, 6, 2100}};
  for (const auto& [t, n, k] : shapes)
    for (DType compute : {DType::f32, DType::bf16})
      for (DType type : {DType::f32, DType::bf16}) {
        const int64_t first = (n + 1) / 2;
        Matrix top(first, k, DType::bf16), rest(n - first, k, DType::bf16);
        top.fill(1);
        rest.fill(2, 0.01);
        for (int64_t i = 0; i < k; i++) rest.set(0, i, 0);
        const std::vector<WeightBlock> blocks = {{top.tensor().data, DType::bf16, first},
                                                 {rest.tensor().data, DType::bf16, n - first}};
        const unsigned uses = use_forward | use_backward | use_decode;
        const std::unique_ptr<Weight> w(device->make_weight(blocks, k, compute, uses, WeightFormat::fp8_gemm));
        EXPECT_EQ(device->weight_bytes(blocks, k, compute, uses, WeightFormat::fp8_gemm).owned, w->bytes.owned);
        const auto& matrices = static_cast<const cpu::CpuWeight&>(*w).quantized;
        const auto view = [&](int64_t j) -> const cpu::QuantView& { return matrices[j < first ? 0 : 1].view(); };
        const auto row = [&](int64_t j) { return j < first ? j : j - first; };

        Matrix x(t, k, type, 3), dy(t, n, type, 1), y(t, n, type, 5), dx(t, k, type, 2), before(t, n);
        x.fill(3);
        dy.fill(4);
        before.fill(5);
        if (t > 1) x.set(1, k - 1, 1000);  // an outlier that leaves little precision for the rest of its row
        std::vector<std::vector<double>> xs, dys, ws, turned;
        for (int64_t r = 0; r < t; r++) {
          xs.push_back(rounded_to_fp8(
              k, [&](int64_t i) { return x.get(r, i); }, [](int64_t) { return 1.0f; }));
          dys.push_back(rounded_to_fp8(
              n, [&](int64_t j) { return dy.get(r, j); }, [&](int64_t j) { return view(j).scales[row(j)]; }));
        }
        for (int64_t j = 0; j < n; j++) {
          ws.emplace_back();
          for (int64_t i = 0; i < k; i++) ws.back().push_back(value_of(view(j), row(j), i, true));
        }
        for (int64_t i = 0; i < k; i++) {
          turned.emplace_back();
          for (int64_t j = 0; j < n; j++) turned.back().push_back(value_of(view(j), row(j), i, false));
        }
        const Expected forward(operand(xs), operand(ws), t, n), backward(operand(dys), operand(turned), t, k);
        // In bf16 both rounded operands may be rounded once more.
        const double more = compute == DType::bf16 ? 2 * kUnitBf16 : 8 * kUnit32;
        std::string what = std::to_string(t) + " " + std::to_string(n) + " " + std::to_string(k);
        what += compute == DType::f32 ? " in f32" : " in bf16";
        expect_both_ways(*device, *w, {x, dy, before, y, dx}, forward, backward, what, more);
      }
}

TEST_P(Fp8Linear, NonFiniteRowsStayNonFinite) {
  const auto device = open(2, 24, 64, 64);
  Matrix w(16, 20);
  w.fill(1);
  const WeightBlock block{w.tensor().data, DType::f32, 16};
  const unsigned uses = use_forward | use_backward;
  const std::unique_ptr<Weight> made(device->make_weight({&block, 1}, 20, DType::f32, uses, WeightFormat::fp8_gemm));
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    Matrix x(12, 20), dy(12, 16), y(12, 16), dx(12, 20);
    x.fill(2).set(3, 19, bad);
    dy.fill(3).set(5, 0, bad);
    device->linear(y, x, *made, nullptr);
    device->linear_backward(dx, dy, *made, false);
    for (int64_t r = 0; r < 12; r++)
      for (int64_t c = 0; c < 16; c++) {
        EXPECT_EQ(std::isfinite(y.get(r, c)), r != 3) << bad << " " << r << " " << c;
        EXPECT_EQ(std::isfinite(dx.get(r, c)), r != 5) << bad << " " << r << " " << c;
      }
  }
}

VQ_ON_EACH_KERNEL(Fp8Linear);

}  // namespace
}  // namespace vq::test
