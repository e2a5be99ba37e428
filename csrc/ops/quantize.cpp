#include "ops/quantize.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "ops/float_bits.h"

namespace vq {
namespace {

constexpr int64_t kTile = 64 * kNf4Block;  // elements in f32 at a time: they fit the first-level cache
constexpr size_t kAlignment = 64;

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr size_t aligned(int64_t bytes) { return aligned_part(static_cast<size_t>(bytes)); }

int32_t magnitude_bits(float x) { return std::bit_cast<int32_t>(x) & 0x7fffffff; }

// To the nearest integer, ties to even; |x| < 2^22.
float nearest(float x) { return (x + 12582912.0f) - 12582912.0f; }

// Midpoints between neighbors of a table: a value above one belongs to the upper neighbor.
template <size_t N>
constexpr std::array<float, N - 1> bounds_of(const float (&table)[N]) {
  std::array<float, N - 1> bounds{};
  for (size_t i = 0; i + 1 < N; i++) bounds[i] = (table[i] + table[i + 1]) / 2.0f;
  return bounds;
}
constexpr std::array<float, 15> kNf4Bounds = bounds_of(kNf4Table);
constexpr std::array<float, 255> kMapBounds = bounds_of(kDynamicMap.value);

float within_one(float x) { return std::min(std::max(x, -1.0f), 1.0f); }

// bitsandbytes divides in a block that is shorter than the others, and multiplies by the reciprocal in the rest.
float scaled(float x, float m, bool whole) {
  const float floor = std::max(m, 1e-38f);
  return within_one(whole ? x * (1.0f / floor) : x / floor);
}

void quantize_int8(uint8_t* codes, const float* x, int64_t n, float m) {
  const float scale = fill_scale(127.0f, m);
  for (int64_t i = 0; i < n; i++)
    codes[i] = static_cast<uint8_t>(static_cast<int8_t>(static_cast<int32_t>(nearest(x[i] * scale))));
}

// n elements, the first at the beginning of a block; the last lower half byte is zero if n is odd. maxima: one per
// block.
void quantize_nf4(uint8_t* codes, float* maxima, const float* x, int64_t n) {
  for (int64_t begin = 0; begin < n; begin += kNf4Block, x += kNf4Block) {
    const int64_t count = std::min(kNf4Block, n - begin);
    const bool whole = count == kNf4Block;
    const float m = largest_magnitude(x, count);
    *maxima++ = whole ? m : std::max(m, 1e-38f);
    int32_t code[kNf4Block + 1] = {};
    for (int64_t i = 0; i < count; i++) {
      const float v = scaled(x[i], m, whole);
      int32_t above = 0;
      for (float bound : kNf4Bounds) above += v > bound;
      code[i] = above;
    }
    // The missing partner of a last odd element gets the code of 0, as in bitsandbytes, which pads with zeros.
    if (count % 2) code[count] = 7;
    for (int64_t i = 0; i < count; i += 2) *codes++ = static_cast<uint8_t>(code[i] << 4 | code[i + 1]);
  }
}

// The maxima of all blocks of a matrix, in 8 bits; scales: one per 256. Returns their mean.
float quantize_maxima(uint8_t* codes, float* scales, const float* maxima, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += maxima[i];
  const float mean = static_cast<float>(sum / static_cast<double>(n));
  for (int64_t begin = 0; begin < n; begin += kNf4ScaleBlock) {
    const int64_t count = std::min(kNf4ScaleBlock, n - begin);
    float off[kNf4ScaleBlock];
    for (int64_t i = 0; i < count; i++) off[i] = maxima[begin + i] - mean;
    const bool whole = count == kNf4ScaleBlock;
    const float m = largest_magnitude(off, count);
    *scales++ = whole ? m : std::max(m, 1e-38f);
    for (int64_t i = 0; i < count; i++) {
      const float v = scaled(off[i], m, whole);
      codes[begin + i] =
          static_cast<uint8_t>(std::lower_bound(kMapBounds.begin(), kMapBounds.end(), v) - kMapBounds.begin());
    }
  }
  return mean;
}

// Elements of a block of rows as f32, some at a time.
class Reader {
 public:
  explicit Reader(const WeightBlock& block) : block_(block) {}
  // n <= kTile elements from `first` on, in row-major order; valid until the next call.
  const float* read(int64_t first, int64_t n) {
    if (block_.dtype == DType::f32) return static_cast<const float*>(block_.data) + first;
    const uint16_t* from = static_cast<const uint16_t*>(block_.data) + first;
    if (block_.dtype == DType::bf16)
      for (int64_t i = 0; i < n; i++) values_[i] = float_of_bf16(from[i]);
    else
      for (int64_t i = 0; i < n; i++) values_[i] = float_of_f16(from[i]);
    return values_;
  }

 private:
  const WeightBlock& block_;
  alignas(kAlignment) float values_[kTile];
};

class Quantizer {
 public:
  Quantizer(const WeightBlock& block, int64_t k, Pool& threads) : block_(block), k_(k), threads_(threads) {}

  void rows(WeightFormat format, uint8_t* codes, float* scales) {
    const float most = format == WeightFormat::int8 ? 127.0f : kLargestE4m3;
    threads_.ranges(block_.rows, 4 * k_, [&](int64_t begin, int64_t end, int) {
      Reader reader(block_);
      for (int64_t row = begin; row < end; row++) {
        float m = 0;
        each_tile(row * k_, k_, [&](int64_t first, int64_t n) {
          const float part = largest_magnitude(reader.read(first, n), n);
          m = larger(m, part);
        });
        require_finite(m, row * k_);
        scales[row] = m / most;
        each_tile(row * k_, k_, [&](int64_t first, int64_t n) {
          (format == WeightFormat::int8 ? quantize_int8 : quantize_e4m3)(codes + first, reader.read(first, n), n, m);
        });
      }
    });
    throw_if_not_finite();
  }

  float blocks(const QuantizedParts& to) {
    const int64_t n = block_.rows * k_, tiles = ceil_div(n, kTile);
    std::vector<float> maxima(static_cast<size_t>(ceil_div(n, kNf4Block)));
    threads_.ranges(tiles, 8 * kTile, [&](int64_t begin, int64_t end, int) {
      Reader reader(block_);
      for (int64_t tile = begin; tile < end; tile++) {
        const int64_t first = tile * kTile, count = std::min(kTile, n - first);
        float* m = maxima.data() + first / kNf4Block;
        quantize_nf4(to.codes + first / 2, m, reader.read(first, count), count);
        for (int64_t i = 0; i < ceil_div(count, kNf4Block); i++) require_finite(m[i], first + i * kNf4Block);
      }
    });
    throw_if_not_finite();
    return quantize_maxima(to.block_codes, to.scales, maxima.data(), static_cast<int64_t>(maxima.size()));
  }

 private:
  template <class Body>
  static void each_tile(int64_t first, int64_t n, Body&& body) {
    for (int64_t done = 0; done < n; done += kTile) body(first + done, std::min(kTile, n - done));
  }
  void require_finite(float m, int64_t element) {
    if (!(m <= std::numeric_limits<float>::max())) bad_row_ = element / k_;
  }
  void throw_if_not_finite() const {
    if (bad_row_ >= 0) throw Error("row " + std::to_string(bad_row_) + " has elements that are not finite numbers");
  }

  const WeightBlock& block_;
  const int64_t k_;
  Pool& threads_;
  std::atomic<int64_t> bad_row_{-1};
};

}  // namespace

float largest_magnitude(const float* x, int64_t n) {
  int32_t most = 0;
  for (int64_t i = 0; i < n; i++) most = std::max(most, magnitude_bits(x[i]));
  return std::bit_cast<float>(most);
}

void quantize_e4m3(uint8_t* codes, const float* x, int64_t n, float m) {
  const float scale = fill_scale(kLargestE4m3, m);
  if (scale == 0) {
    std::fill_n(codes, n, uint8_t{0});
    return;
  }
  for (int64_t i = 0; i < n; i++) codes[i] = static_cast<uint8_t>(e4m3_code(x[i] * scale));
}

QuantizedSizes::QuantizedSizes(WeightFormat format, int64_t rows, int64_t k) {
  const int64_t n = rows * k, blocks = ceil_div(n, kNf4Block);
  const bool nf4 = format == WeightFormat::nf4;
  codes = aligned(nf4 ? ceil_div(n, 2) : n);
  scales = aligned((nf4 ? ceil_div(blocks, kNf4ScaleBlock) : rows) * static_cast<int64_t>(sizeof(float)));
  block_codes = nf4 ? aligned(blocks) : 0;
}

float quantize(WeightFormat format, const WeightBlock& block, int64_t k, const QuantizedParts& to, Pool& threads) {
  Quantizer quantizer(block, k, threads);
  if (format == WeightFormat::nf4) return quantizer.blocks(to);
  quantizer.rows(format, to.codes, to.scales);
  return 0;
}

}  // namespace vq
