// GEMMs of the CUDA device in the simulator: all fp8 modes, and which of a library's algorithms runs.
#include "ops/cuda/device.h"
#include "tests/backend/fp8_gemms.h"
#include "tests/cuda_sim/gemm.h"

namespace vq::test {
namespace {

using cuda::Fp8Gemms;

// Restores the stand-in's settings at the end.
class Settings {
 public:
  Settings() : before_(cuda_sim::gemm_settings()) {}
  ~Settings() { cuda_sim::gemm_settings() = before_; }
  cuda_sim::GemmSettings* operator->() const { return &cuda_sim::gemm_settings(); }

 private:
  cuda_sim::GemmSettings before_;
};

TEST(CudaGemm, Fp8MatchesReferenceInEveryMode) {
  Settings settings;
  for (Fp8Gemms how : {Fp8Gemms::scaled, Fp8Gemms::unscaled, Fp8Gemms::none}) {
    settings->fp8_gemms = how;
    cuda::CudaDevice device(0);
    expect_fp8_gemms(device, "way " + std::to_string(static_cast<int>(how)));
  }
}

// The library offers a kernel that it then fails to run, or that ignores the scales: fp8 GEMMs are run once, with every
// type of result, before one is relied on.
TEST(CudaGemm, Fp8ScalesAreTriedByRunning) {
  const auto found = [](const cuda_sim::GemmSettings::Which& fails, const cuda_sim::GemmSettings::Which& ignores) {
    Settings settings;
    settings->fails = fails;
    settings->ignores_scales = ignores;
    cuda::CudaDevice device(0);
    const size_t sums = device.cast_workspace_bytes(64, 64, WeightFormat::fp8_gemm);
    settings->fails = nullptr;
    const bool unscaled = sums > 64 * 64 + 256 + 64 * sizeof(float);
    expect_fp8_gemms(device, "fallback");
    return unscaled;
  };
  const auto scaled = [](const cuda::GemmCall& p) { return p.a_scales != nullptr; };
  EXPECT_FALSE(found(nullptr, nullptr));
  EXPECT_TRUE(found(scaled, nullptr));
  EXPECT_TRUE(found([](const cuda::GemmCall& p) { return p.a_scales && p.c; }, nullptr));
  EXPECT_TRUE(found([](const cuda::GemmCall& p) { return p.a_scales && p.d.dtype == DType::bf16; }, nullptr));
  EXPECT_TRUE(found(nullptr, scaled));
  // Not even unscaled: operands are rounded and multiplied in bf16.
  EXPECT_FALSE(found([](const cuda::GemmCall& p) { return p.codes; }, nullptr));
}

// A shape that the library has no fp8 kernel for is multiplied in another way, in the middle of a run.
TEST(CudaGemm, Fp8FallsBackForAShapeWithoutKernel) {
  Settings settings;
  for (Fp8Gemms how : {Fp8Gemms::scaled, Fp8Gemms::unscaled}) {
    settings->fp8_gemms = how;
    settings->lacks = nullptr;
    cuda::CudaDevice device(0);
    settings->lacks = [](const cuda::GemmCall& p) { return p.codes; };
    expect_fp8_gemms(device, "way " + std::to_string(static_cast<int>(how)) + " without kernels");
  }
}

// Quantized matrices are dequantized and multiplied in tiles. Each tile's GEMM is as well aligned as the whole
// matrix's, and the tiles add up to it.
TEST(CudaGemm, TilesOfQuantizedWeightsAreAligned) {
  Settings settings;
  settings->fp8_gemms = Fp8Gemms::none;
  constexpr int64_t kTile = 24'000, kRows = 12;
  cuda::CudaDevice device(0, kTile);
  device.reserve_cast_workspace(kRows, 512, WeightFormat::fp8_gemm);
  for (WeightFormat format : {WeightFormat::int8, WeightFormat::nf4, WeightFormat::fp8, WeightFormat::fp8_gemm})
    for (const auto& [n, k] : {std::pair<int64_t, int64_t>{200, 328}, {328, 200}, {16, 512}, {512, 8}}) {
      const std::string what =
          std::to_string(n) + "x" + std::to_string(k) + " format " + std::to_string(static_cast<int>(format));
      const int64_t first = n / 16 * 8;
      Matrix upper(first, k, DType::bf16), lower(n - first, k, DType::bf16);
      upper.fill(1);
      lower.fill(2, 0.01);
      const std::vector<WeightBlock> blocks = {{upper.tensor().data, DType::bf16, upper.rows()},
                                               {lower.tensor().data, DType::bf16, lower.rows()}};
      PairMatrix x(kRows, k, DType::bf16, 0, 3), y(kRows, n, DType::bf16, 0, 4), dx(kRows, k, DType::bf16, 0, 5),
          dy(kRows, n, DType::bf16, 0, 6);
      on_both([&](Device& of_pair, Side side) {
        Device& d = side == candidate ? device : of_pair;
        of_pair.synchronize();  // two devices have two streams
        const std::unique_ptr<Weight> w(d.make_weight(blocks, k, DType::bf16, use_forward | use_backward, format));
        d.linear(y[side], x[side], *w, nullptr);
        d.linear_backward(dx[side], dy[side], *w, false);
        d.synchronize();
      });
      expect_agree(y, {kUnitBf16, 2 * kUnitBf16}, "linear " + what);
      expect_agree(dx, {2 * kUnitBf16, 3 * kUnitBf16}, "linear_backward " + what);
    }
  EXPECT_EQ(device.info().unaligned_gemms, 0);
}

// The matrices of Qwen3 from 0.6B to 32B: no tile is cut at an odd size, larger than the buffer, or a sliver.
TEST(CudaGemm, TilesOfRealModelsAreMultiplesOf256) {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{4096, 1024},
                             {6144, 1024},
                             {1024, 3072},
                             {12288, 2048},
                             {6144, 2560},
                             {19456, 2560},
                             {2560, 9728},
                             {6144, 4096},
                             {24576, 4096},
                             {4096, 12288},
                             {7168, 5120},
                             {34816, 5120},
                             {5120, 17408},
                             {10240, 5120},
                             {51200, 5120},
                             {5120, 25600},
                             {5120, 8192},
                             {151936, 4096}})
    for (const auto& [whole, depth] : {std::pair{n, k}, {k, n}}) {
      const int64_t lines = cuda::tile_lines(cuda::kTileElements, whole, depth);
      const std::string what = std::to_string(whole) + " lines of " + std::to_string(depth);
      EXPECT_LE(lines * depth, cuda::kTileElements) << what;
      if (lines == whole) continue;
      EXPECT_EQ(lines % (depth > 131072 ? 64 : 256), 0) << what;
      EXPECT_GE(whole % lines == 0 ? lines : whole % lines, std::min<int64_t>(lines / 4, 256)) << what;
    }
  EXPECT_EQ(cuda::tile_lines(1000, 100, 900), 64) << "at least 64, even if the tile is too small";
}

// Products that are not aligned are counted: on a GPU they would only be slow.
TEST(CudaGemm, UnalignedGemmsAreCounted) {
  cuda::Gemm gemm(cuda::make_gemm_library(cuda::find_gpu(0)));
  const cuda::Stream stream = cuda::make_stream();
  PairMatrix a(16, 40, DType::bf16, 0, 1), b(24, 40, DType::bf16, 0, 2), d(16, 24, DType::bf16, 4, 3);
  const auto multiply = [&](Tensor x, Tensor w, Tensor y) {
    DevicePair::get()[candidate].synchronize();  // it has another stream
    const int64_t before = gemm.unaligned();
    gemm.multiply({.d = y, .a = x, .b = w, .transpose_b = true}, stream);
    cuda::synchronize(stream);
    return gemm.unaligned() - before;
  };
  const Tensor x = a[candidate], w = b[candidate], y = d[candidate];
  PairMatrix fit(16, 24, DType::bf16, 0, 3);
  EXPECT_EQ(multiply(x, w, fit[candidate]), 0);
  EXPECT_EQ(multiply(x, w, y), 1) << "rows of 56 bytes";
  EXPECT_EQ(multiply(x.columns(4, 32), w.columns(0, 32), fit[candidate]), 1) << "begins at 8 bytes";
  EXPECT_EQ(multiply(x.columns(8, 32), w.columns(0, 32), fit[candidate]), 0);
  cuda::destroy(stream);
}

// weight_bytes matches the actual size of the weight, including the second copy if there is one.
TEST(CudaGemm, Fp8BackwardKeepsATransposedCopy) {
  Settings settings;
  Matrix values(32, 48, DType::bf16);
  values.fill(1);
  const WeightBlock block{values.tensor().data, DType::bf16, 32};
  const auto bytes = [&](Fp8Gemms how, unsigned uses) {
    settings->fp8_gemms = how;
    cuda::CudaDevice device(0);
    const uint64_t before = device.info().memory_available;
    const std::unique_ptr<Weight> w(device.make_weight({&block, 1}, 48, DType::bf16, uses, WeightFormat::fp8_gemm));
    const WeightBytes planned = device.weight_bytes({&block, 1}, 48, DType::bf16, uses, WeightFormat::fp8_gemm);
    EXPECT_EQ(planned.owned, w->bytes.owned);
    EXPECT_GE(before - device.info().memory_available, planned.owned);
    return planned.owned;
  };
  const size_t once = 32 * 48 + 32 * sizeof(float);
  EXPECT_EQ(bytes(Fp8Gemms::scaled, use_forward | use_decode), once);
  EXPECT_EQ(bytes(Fp8Gemms::scaled, use_forward | use_backward), once + 32 * 48);
  EXPECT_EQ(bytes(Fp8Gemms::unscaled, use_forward | use_backward), once + 32 * 48);
  EXPECT_EQ(bytes(Fp8Gemms::none, use_forward | use_backward), once);
}

TEST(CudaGemm, Fp8KeepsNonFiniteRows) {
  Settings settings;
  for (Fp8Gemms how : {Fp8Gemms::scaled, Fp8Gemms::unscaled, Fp8Gemms::none}) {
    settings->fp8_gemms = how;
    cuda::CudaDevice device(0);
    device.reserve_cast_workspace(16, 64, WeightFormat::fp8_gemm);
    Matrix values(64, 32, DType::bf16), in(16, 32, DType::bf16);
    values.fill(1);
    const WeightBlock block{values.tensor().data, DType::bf16, 64};
    in.fill(2).set(3, 31, INFINITY);
    in.set(5, 0, NAN);
    PairMatrix x(in), y(16, 64, DType::f32, 0, 3);
    const std::unique_ptr<Weight> w(
        device.make_weight({&block, 1}, 32, DType::bf16, use_forward, WeightFormat::fp8_gemm));
    DevicePair::get()[candidate].synchronize();
    device.linear(y[candidate], x[candidate], *w, nullptr);
    device.synchronize();
    const Matrix got = y.result(candidate);
    for (int64_t r = 0; r < 16; r++)
      for (int64_t c = 0; c < 64; c++) EXPECT_EQ(std::isfinite(got.get(r, c)), r != 3 && r != 5) << r << " " << c;
  }
}

// Device matrices, and the choice that a table makes for their GEMM.
class GemmTuning : public ::testing::Test {
 protected:
  static constexpr int64_t kRows = 260, kCols = 40, kDepth = 64;

  cuda::Gemm gemm() { return cuda::Gemm(cuda::make_gemm_library(cuda::find_gpu(0))); }
  std::vector<char> multiply(cuda::Gemm& gemm, int64_t rows = kRows, int64_t cols = kCols) {
    DevicePair::get()[candidate].synchronize();
    gemm.multiply({.d = y_[candidate].row_range(0, rows).columns(0, cols),
                   .a = x_[candidate].row_range(0, rows),
                   .b = w_[candidate].row_range(0, cols),
                   .transpose_b = true},
                  stream_);
    cuda::synchronize(stream_);
    return y_.result(candidate).raw();
  }
  // The bytes of the GEMM by the library's algorithm with this number of parts.
  std::vector<char> by(int parts) {
    Settings settings;
    settings->cost = {9, 9, 9, 9};
    settings->cost[static_cast<size_t>(parts - 1)] = 1;
    cuda::Gemm g = gemm();
    return tried(g);
  }
  std::vector<char> tried(cuda::Gemm& g, int64_t rows = kRows, int64_t cols = kCols) {
    g.try_algorithms(true);
    multiply(g, rows, cols);
    g.try_algorithms(false);
    return multiply(g, rows, cols);
  }

  ~GemmTuning() override { cuda::destroy(stream_); }

  Settings settings_;
  cuda::Stream stream_ = cuda::make_stream();
  PairMatrix x_{kRows, kDepth, DType::f32, 0, 1}, w_{kCols, kDepth, DType::f32, 0, 2},
      y_{kRows, kCols, DType::f32, 0, 3};
};

TEST_F(GemmTuning, WithoutTuningTheFirstAlgorithmRuns) {
  cuda::Gemm g = gemm();
  const std::vector<char> bytes = multiply(g);
  EXPECT_EQ(bytes, by(1));
  EXPECT_NE(bytes, by(3));
}

TEST_F(GemmTuning, FindsTheFastest) {
  for (int parts : {1, 2, 3, 4}) {
    for (size_t i = 0; i < 4; i++) settings_->cost[i] = i + 1 == static_cast<size_t>(parts) ? 1.0 : 2.0;
    cuda::Gemm g = gemm();
    EXPECT_EQ(tried(g), by(parts));
  }
}

TEST_F(GemmTuning, ChoosesOnlySupportedAlgorithms) {
  settings_->cost = {3, 2, 1, 1};  // for odd numbers of columns there are two
  cuda::Gemm g = gemm();
  tried(g, kRows, kCols - 1);
  const std::vector<char> bytes = multiply(g, kRows, kCols - 1);
  settings_->cost = {2, 1, 9, 9};
  cuda::Gemm second = gemm();
  EXPECT_EQ(bytes, tried(second, kRows, kCols - 1));
}

TEST_F(GemmTuning, SavedChoicesReproduceTheSums) {
  cuda::Gemm first = gemm();
  const std::vector<char> bytes = tried(first);
  const std::vector<uint8_t> table = first.choices();
  settings_->cost = {1, 2, 3, 4};  // this time a trial would have another outcome
  cuda::Gemm second = gemm();
  second.set_choices(table);
  const int runs = settings_->runs;
  EXPECT_EQ(tried(second), bytes);
  EXPECT_EQ(settings_->runs, runs + 2) << "a known choice is not tuned again";
  EXPECT_EQ(second.choices(), table);
}

TEST_F(GemmTuning, ChoicesHoldForOtherNumbersOfRows) {
  cuda::Gemm g = gemm();
  tried(g, 224);
  const int runs = settings_->runs;
  g.try_algorithms(true);
  multiply(g, 193);
  EXPECT_EQ(settings_->runs, runs + 1) << "numbers of rows share a choice up to a quarter of a power of two";
  multiply(g, 192);
  EXPECT_GT(settings_->runs, runs + 2);
}

TEST_F(GemmTuning, RowsShareAChoiceInQuartersOfAnOctave) {
  for (const auto& [rows, of] : {std::pair<int64_t, int64_t>{1, 1},
                                 {5, 5},
                                 {9, 10},
                                 {2048, 2048},
                                 {2049, 2560},
                                 {2561, 3072},
                                 {3584, 3584},
                                 {3585, 4096},
                                 {4096, 4096},
                                 {4097, 5120}})
    EXPECT_EQ(cuda::rows_of_choice(rows), of) << rows;
}

// Steps that were not tried themselves take the choice of the next longer one of their octave.
TEST_F(GemmTuning, ShorterStepsTakeTheNextLongerChoice) {
  cuda::Gemm g = gemm(), untried = gemm();
  tried(g, 256);
  const std::vector<char> shorter = multiply(g, 140), first = multiply(untried, 140);
  EXPECT_NE(shorter, first);
  cuda::Gemm same = gemm();
  EXPECT_EQ(shorter, tried(same, 140));
  EXPECT_EQ(multiply(g, 128), multiply(untried, 128)) << "another octave";
}

TEST_F(GemmTuning, SmallGemmsAreNotTuned) {
  cuda::Gemm g = gemm();
  const std::vector<uint8_t> empty = g.choices();
  tried(g, 8);
  tried(g, kRows, 4);
  EXPECT_EQ(g.choices(), empty);
}

TEST_F(GemmTuning, RejectsForeignOrCorruptChoices) {
  cuda::Gemm first = gemm();
  const std::vector<char> bytes = tried(first);
  const std::vector<uint8_t> table = first.choices();
  cuda::Gemm g = gemm();
  const auto refusal = [&](std::vector<uint8_t> bad) -> std::string {
    try {
      g.set_choices(bad);
    } catch (const Error& e) {
      return e.what();
    }
    return "taken";
  };
  EXPECT_NE(refusal({}).find("not a table"), std::string::npos);
  EXPECT_NE(refusal(std::vector<uint8_t>(500, 7)).find("not a table"), std::string::npos);
  for (size_t at = 0; at < table.size(); at += 7) {
    std::vector<uint8_t> bad = table;
    bad[at] ^= 16;
    EXPECT_NE(refusal(bad), "taken") << at;
    EXPECT_NE(refusal({table.begin(), table.begin() + static_cast<std::ptrdiff_t>(at)}), "taken") << at;
  }
  settings_->identity = "GEMMs on the CPU 2";
  EXPECT_NE(refusal(table).find("another GPU"), std::string::npos);
  settings_->identity = "GEMMs on the CPU 1";
  g.set_choices(table);
  EXPECT_EQ(multiply(g), bytes);
  // A rejected table leaves the previous one in place.
  EXPECT_NE(refusal({}), "taken");
  EXPECT_EQ(g.choices(), table);
}

// A table may claim to be from the same library: algorithms that the library cannot run are not used.
TEST_F(GemmTuning, IgnoresUnsupportedAlgorithms) {
  cuda::Gemm first = gemm();
  tried(first);
  std::vector<uint8_t> table = first.choices();
  // The last entry's algorithm, before the checksum.
  const size_t at = table.size() - sizeof(uint64_t) - sizeof(cuda::Algorithm);
  table[at] = 99;
  uint64_t h = 0xcbf29ce484222325;
  for (size_t i = 0; i + sizeof h < table.size(); i++) h = (h ^ table[i]) * 0x100000001b3;
  std::memcpy(table.data() + table.size() - sizeof h, &h, sizeof h);
  cuda::Gemm g = gemm();
  g.set_choices(table);
  EXPECT_EQ(multiply(g), by(1));
}
TEST(CudaDevice, NamesTheGpuThatDoesNotExist) {
  try {
    cuda::CudaDevice device(4096);
    FAIL() << "it was opened";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("no GPU 4096"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace vq::test
