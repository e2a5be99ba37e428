// Operands of GEMMs with weights of WeightFormat::fp8_gemm: rounded to e4m3 row by row, like the weights.
#include <algorithm>
#include <limits>
#include <vector>

#include "ops/cpu/device.h"
#include "ops/quantize.h"

namespace vq::cpu {
namespace {

constexpr int64_t kAtOnce = 1024;  // elements converted to f32 at a time

// The factors of the columns of dy: the scales of the corresponding rows of W.
class ColumnScales {
 public:
  explicit ColumnScales(const std::vector<QuantizedMatrix>& blocks) : blocks_(blocks) {}
  void multiply(float* x, int64_t first, int64_t n) const {
    for (const QuantizedMatrix& block : blocks_) {
      const int64_t begin = std::max<int64_t>(first, 0), end = std::min(first + n, block.rows());
      for (int64_t i = begin; i < end; i++) x[i - first] *= block.view().scales[i];
      first -= block.rows();
    }
  }

 private:
  const std::vector<QuantizedMatrix>& blocks_;
};

}  // namespace

size_t CpuDevice::cast_workspace_bytes(int64_t rows, int64_t widest, WeightFormat format) const {
  return format == WeightFormat::fp8_gemm ? static_cast<size_t>(rows * widest) * sizeof(float) : 0;
}

void CpuDevice::reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format) {
  const size_t bytes = cast_workspace_bytes(rows, widest, format);
  if (bytes > rounded_.bytes()) rounded_ = Buffer(bytes);
}

Tensor CpuDevice::rounded_to_fp8(const Tensor& x, const CpuWeight& w, bool scaled) {
  Arena arena(rounded_);
  const size_t bytes = static_cast<size_t>(x.rows * x.cols) * size_of(w.compute);
  const Tensor y{arena.take_bytes(bytes), w.compute, x.rows, x.cols, x.cols};
  const ColumnScales scales(w.quantized);
  pool_.ranges(x.rows, 8 * x.cols, [&](int64_t begin, int64_t end, int) {
    alignas(64) float values[kAtOnce];
    uint8_t codes[kAtOnce];
    const auto read = [&](int64_t row, int64_t col) {
      const int64_t n = std::min(kAtOnce, x.cols - col);
      vec_.convert({values, Elem::f32}, at(x.columns(col, n), row), n);
      if (scaled) scales.multiply(values, col, n);
      return n;
    };
    for (int64_t row = begin; row < end; row++) {
      float m = 0;
      for (int64_t col = 0; col < x.cols; col += kAtOnce) {
        const float part = largest_magnitude(values, read(row, col));
        m = larger(m, part);
      }
      const float scale = m / kLargestE4m3;
      const bool finite = m <= std::numeric_limits<float>::max();  // otherwise every value is multiplied by 0
      for (int64_t col = 0; col < x.cols; col += kAtOnce) {
        const int64_t n = read(row, col);
        if (finite)
          quantize_e4m3(codes, values, n, m);
        else
          std::fill_n(codes, n, uint8_t{0});
        const QuantView view = {QuantView::fp8, n, codes, &scale, nullptr, 0, nullptr};
        isa_.quantized.dequantize(run_at(y.columns(col, n), row), view, 0, 0, n, false);
      }
    }
  });
  return y;
}

}  // namespace vq::cpu
