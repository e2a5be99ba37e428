// Quantized weights: their codes compared with bitsandbytes and torch (scripts/make_quant_goldens.py), and the ops on
// them compared with GEMMs of the dequantized values.
#include <fstream>
#include <map>
#include <sstream>

#include "ops/cpu/quantized.h"
#include "tests/gemm.h"

namespace vq::test {
namespace {

constexpr WeightFormat kFormats[] = {WeightFormat::int8, WeightFormat::nf4, WeightFormat::fp8};

const char* name(WeightFormat f) { return f == WeightFormat::int8 ? "int8" : f == WeightFormat::nf4 ? "nf4" : "fp8"; }

// The value of a code of a view, by the definition in ops.h.
double value_at(const cpu::QuantView& w, int64_t row, int64_t col) {
  const int64_t i = row * w.k + col;
  if (w.format == cpu::QuantView::int8) return double{w.scales[row]} * static_cast<int8_t>(w.codes[i]);
  if (w.format == cpu::QuantView::fp8) {
    const int code = w.codes[i], exponent = code >> 3 & 15, fraction = code & 7;
    const double size = exponent ? std::ldexp(8 + fraction, exponent - 10) : std::ldexp(fraction, -9);
    return double{w.scales[row]} * (code & 0x80 ? -size : size);
  }
  const int64_t block = i / 64;
  const double m = double{kDynamicMap.value[w.block_codes[block]]} * w.scales[block / 256] + w.block_mean;
  return kNf4Table[w.codes[i / 2] >> (i % 2 ? 0 : 4) & 15] * m;
}

struct Golden {
  int64_t rows, cols;
  DType stored;
  std::map<std::string, std::vector<uint8_t>> results;

  std::vector<float> floats(const std::string& which) const {
    const std::vector<uint8_t>& bytes = results.at(which);
    std::vector<float> values(bytes.size() / 4);
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  // As in the script: sums of four 20-bit numbers, shrunk by powers of two.
  Matrix elements() const {
    Matrix m(rows, cols, stored);
    uint32_t state = static_cast<uint32_t>(rows * 1000 + cols);
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++) {
        int64_t total = 0;
        for (int i = 0; i < 4; i++) {
          state = state * 1664525 + 1013904223;
          total += static_cast<int64_t>(state >> 12) - (1 << 19);
        }
        m.set(r, c, r == 1 ? 0 : std::ldexp(static_cast<double>(total), static_cast<int>(-21 - r % 5 - c / 50)));
      }
    return m;
  }
};

// The matrices of the file; results before the first matrix belong to an empty one.
std::vector<Golden> goldens() {
  std::ifstream file(VQ_GOLDENS "/quantized.txt");
  EXPECT_TRUE(file) << "no " VQ_GOLDENS "/quantized.txt";
  std::vector<Golden> all(1);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key, rest;
    words >> key;
    if (key == "matrix") {
      Golden g{};
      words >> g.rows >> g.cols >> rest;
      g.stored = rest == "bf16" ? DType::bf16 : DType::f32;
      all.push_back(g);
      continue;
    }
    words >> rest;
    std::vector<uint8_t>& bytes = all.back().results[key];
    for (size_t i = 0; i + 1 < rest.size(); i += 2)
      bytes.push_back(static_cast<uint8_t>(std::stoul(rest.substr(i, 2), nullptr, 16)));
  }
  return all;
}

void expect_same_codes(const uint8_t* got, const std::vector<uint8_t>& want, const std::string& what) {
  for (size_t i = 0; i < want.size(); i++) ASSERT_EQ(int{got[i]}, int{want[i]}) << what << " " << i;
}

void expect_same_floats(const float* got, const std::vector<float>& want, double relative, const std::string& what) {
  for (size_t i = 0; i < want.size(); i++)
    EXPECT_NEAR(got[i], want[i], relative * std::fabs(want[i])) << what << " " << i;
}

class Quantized : public OnEachKernel {};

TEST(QuantizedTables, MatchBitsandbytes) {
  const Golden tables = goldens().front();
  const std::vector<float> map = tables.floats("dynamic_map"), nf4 = tables.floats("nf4_table");
  ASSERT_EQ(map.size(), 256u);
  ASSERT_EQ(nf4.size(), 16u);
  for (size_t i = 0; i < 256; i++) EXPECT_EQ(kDynamicMap.value[i], map[i]) << i;
  for (size_t i = 0; i < 16; i++) EXPECT_EQ(kNf4Table[i], nf4[i]) << i;
}

TEST_P(Quantized, CodesMatchBitsandbytes) {
  Pool pool(2, 1);
  for (const Golden& g : goldens()) {
    if (g.rows == 0) continue;
    const Matrix elements = g.elements();
    const WeightBlock block = {elements.tensor().data, g.stored, g.rows};
    for (WeightFormat format : kFormats) {
      const std::string kind = name(format), what = kind + " " + std::to_string(g.rows) + "x" + std::to_string(g.cols);
      if (!g.results.count(kind + "_codes")) continue;
      const cpu::QuantizedMatrix matrix(format, block, g.cols, *GetParam(), pool);
      const cpu::QuantView& w = matrix.view();
      const std::vector<uint8_t>& codes = g.results.at(kind + "_codes");
      expect_same_codes(w.codes, codes, what + " code");
      // One unit in the last place: means are summed in another order, and division is replaced by multiplication with
      // a reciprocal.
      expect_same_floats(w.scales, g.floats(kind + "_scales"), 2 * kUnit32, what + " scale");
      if (format == WeightFormat::nf4) {
        const std::vector<uint8_t>& maxima = g.results.at("nf4_block_codes");
        expect_same_codes(w.block_codes, maxima, what + " block");
        EXPECT_NEAR(w.block_mean, g.floats("nf4_mean")[0], 4 * kUnit32 * w.block_mean) << what;
      }
      if (!g.results.count(kind + "_values")) continue;
      const std::vector<float> values = g.floats(kind + "_values");
      for (size_t i = 0; i < values.size(); i++) {
        const int64_t at = static_cast<int64_t>(i);
        EXPECT_NEAR(value_at(w, at / g.cols, at % g.cols), values[i], 8 * kUnit32 * std::fabs(values[i])) << what;
      }
    }
  }
}

TEST_P(Quantized, DequantizesAnyPartOfARow) {
  Pool pool(1, 1);
  for (int64_t k : {1, 45, 64, 150, 192}) {
    Matrix elements(5, k);
    elements.fill(3);
    const WeightBlock block = {elements.tensor().data, DType::f32, 5};
    for (WeightFormat format : kFormats) {
      const cpu::QuantizedMatrix matrix(format, block, k, *GetParam(), pool);
      const cpu::QuantView& w = matrix.view();
      for (DType type : {DType::f32, DType::bf16})
        for (bool round : {false, true})
          for (int64_t from : {int64_t{0}, k / 3, k - 1}) {
            const int64_t n = std::max<int64_t>(1, (k - from) * 2 / 3);
            Matrix y(5, n, type, 3);
            for (int64_t r = 0; r < 5; r++) w.kernels->dequantize(cpu::run_at(y, r), w, r, from, n, round);
            const auto want = [&](int64_t r, int64_t c) { return value_at(w, r, from + c); };
            const double unit = type == DType::bf16 || round ? kUnitBf16 : 0;
            expect_close(
                y, want, [&](int64_t r, int64_t c) { return (unit + 4 * kUnit32) * std::fabs(want(r, c)); },
                std::string(name(format)) + " k " + std::to_string(k) + " from " + std::to_string(from));
          }
    }
  }
}

// Few rows, which read the codes, and many, which pack panels of them; blocks that do and do not start at a row.
TEST_P(Quantized, LinearMultipliesDequantizedValues) {
  const auto device = open();
  const int64_t shapes[][3] = {{1, 1, 1},    {1, 70, 33},   {2, 257, 128}, {3, 5, 64},    {4, 66, 192},
                               {5, 17, 64},  {7, 40, 290},  {8, 130, 257}, {9, 1, 31},    {13, 47, 45},
                               {33, 8, 300}, {97, 96, 128}, {100, 33, 16}, {110, 65, 290}};
  for (const auto& [t, n, k] : shapes)
    for (WeightFormat format : kFormats)
      for (DType compute : {DType::f32, DType::bf16}) {
        const DType stored = (t + n) % 2 ? DType::f32 : DType::bf16;
        const int64_t first = (n + 1) / 2;
        Matrix top(first, k, stored), rest(std::max<int64_t>(1, n - first), k, stored);
        top.fill(1);
        rest.fill(2, 0.1);
        std::vector<WeightBlock> blocks = {{top.tensor().data, stored, first}};
        if (n > first) blocks.push_back({rest.tensor().data, stored, n - first});
        const unsigned uses = use_forward | use_backward | use_decode;
        const std::unique_ptr<Weight> w(device->make_weight(blocks, k, compute, uses, format));
        const WeightBytes promised = device->weight_bytes(blocks, k, compute, uses, format);
        EXPECT_EQ(promised.owned, w->bytes.owned);
        EXPECT_EQ(promised.borrowed + w->bytes.borrowed, 0u);
        ASSERT_EQ(w->n, n);
        const auto& matrices = static_cast<const cpu::CpuWeight&>(*w).quantized;
        const auto w_at = [&](int64_t j, int64_t i) {
          return j < first ? value_at(matrices[0].view(), j, i) : value_at(matrices[1].view(), j - first, i);
        };

        for (DType type : {DType::f32, DType::bf16}) {
          std::string what = name(format);
          for (int64_t size : {t, n, k}) what += " " + std::to_string(size);
          what += compute == DType::f32 ? " in f32" : " in bf16";
          Matrix x(t, k, type, 3), dy(t, n, type, 1), y(t, n, type, 5), dx(t, k, type, 2), before(t, n);
          x.fill(3);
          dy.fill(4);
          before.fill(5);
          const auto of = [](const Matrix& m) { return [&m](int64_t r, int64_t i) { return m.get(r, i); }; };
          const Operand xs(t, k, compute, of(x)), dys(t, n, compute, of(dy)), ws(n, k, DType::f32, w_at);
          const Operand turned(k, n, DType::f32, [&](int64_t j, int64_t i) { return w_at(i, j); });
          const Expected forward(xs, ws, t, n), backward(dys, turned, t, k);
          // The values in f32, and in bf16 perhaps rounded.
          const double more = compute == DType::bf16 ? kUnitBf16 + 8 * kUnit32 : 8 * kUnit32;
          expect_both_ways(*device, *w, {x, dy, before, y, dx}, forward, backward, what, more);
        }
      }
}

TEST_P(Quantized, SumsLongerThanASlabAreExact) {
  // Rows of integers up to 127 are their own codes, and sums below 2^24 are exact.
  const int64_t m = 9, n = 70001, k = 5;
  const auto device = open(2, m, n, k);
  Matrix dy(m, n, DType::bf16), w(n, k, DType::bf16), dx(m, k);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t r = 0; r < m; r++) dy.set(r, i, static_cast<double>((r + i) % 2));
    w.set(i, 0, 127);
    for (int64_t c = 1; c < k; c++) w.set(i, c, static_cast<double>((i + c) % 3));
  }
  const WeightBlock block = {w.tensor().data, DType::bf16, n};
  const std::unique_ptr<Weight> weight(
      device->make_weight({&block, 1}, k, DType::bf16, use_backward, WeightFormat::int8));
  device->linear_backward(dx, dy, *weight, false);
  expect_close(
      dx,
      [&](int64_t r, int64_t c) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += dy.get(r, i) * w.get(i, c);
        return sum;
      },
      [](int64_t, int64_t) { return 0.0; }, "long sum");
}

// Rows too small for a scale, and the smallest that have one, must dequantize to nearly zero, not to garbage.
TEST_P(Quantized, StoresRowsOfTinyNumbers) {
  Pool pool(1, 1);
  for (double size : {1e-44, 1e-40, 1e-37, 1e-36, 1e-30}) {
    Matrix w(2, 64);
    for (int64_t c = 0; c < 64; c++) w.set(0, c, size * static_cast<double>(c - 32) / 32);
    const WeightBlock block = {w.tensor().data, DType::f32, 2};
    for (WeightFormat format : kFormats) {
      const cpu::QuantizedMatrix matrix(format, block, 64, *GetParam(), pool);
      for (int64_t c = 0; c < 64; c++) {
        EXPECT_LE(std::fabs(value_at(matrix.view(), 0, c) - w.get(0, c)), 0.2 * size + 2e-36)
            << name(format) << " " << size;
        EXPECT_LE(std::fabs(value_at(matrix.view(), 1, c)), 1e-37) << name(format) << " " << size;
      }
    }
  }
}

TEST_P(Quantized, RefusesNonFiniteElements) {
  const auto device = open();
  for (float bad : {NAN, INFINITY, -INFINITY})
    for (WeightFormat format : kFormats) {
      Matrix w(70, 33);
      w.fill(1);
      w.set(68, 7, bad);
      const WeightBlock block = {w.tensor().data, DType::f32, 70};
      try {
        delete device->make_weight({&block, 1}, 33, DType::f32, use_forward, format);
        ADD_FAILURE() << name(format) << " took " << bad;
      } catch (const Error& e) {
        // A block of 64 elements can start in the previous row.
        const std::string text = e.what();
        EXPECT_TRUE(text.find("row 68 ") == 0 || text.find("row 67 ") == 0) << text;
      }
    }
}

// A row is scanned a few thousand elements at a time: a non-finite element must be found anywhere in it.
TEST_P(Quantized, RefusesNonFiniteElementsInLongRows) {
  const auto device = open();
  for (WeightFormat format : {WeightFormat::int8, WeightFormat::fp8})
    for (int64_t at : {0, 4096, 9999}) {
      Matrix w(2, 10000);
      w.fill(1);
      w.set(1, at, NAN);
      const WeightBlock block = {w.tensor().data, DType::f32, 2};
      EXPECT_THROW(delete device->make_weight({&block, 1}, 10000, DType::f32, use_forward, format), Error)
          << name(format) << " " << at;
    }
}

VQ_ON_EACH_KERNEL(Quantized);

}  // namespace
}  // namespace vq::test
