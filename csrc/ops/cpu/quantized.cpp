#include "ops/cpu/quantized.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "ops/cpu/device.h"
#include "ops/cpu/quantize.h"

namespace vq::cpu {

static_assert(static_cast<int>(QuantView::int8) == static_cast<int>(WeightFormat::int8) &&
              static_cast<int>(QuantView::nf4) == static_cast<int>(WeightFormat::nf4) &&
              static_cast<int>(QuantView::fp8) == static_cast<int>(WeightFormat::fp8));

namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t kStrip = 64;             // columns of y that a task makes at a time
constexpr int64_t kTile = 64 * kNf4Block;  // elements in f32 at a time: in the first cache

// Elements of a block of rows as f32, some at a time.
class Reader {
 public:
  Reader(const WeightBlock& block, const VectorKernels& vec) : block_(block), vec_(vec) {}
  // n elements from `first` on, in row-major order; valid until the next call.
  const float* read(int64_t first, int64_t n) {
    const char* from = static_cast<const char*>(block_.data) + first * static_cast<int64_t>(size_of(block_.dtype));
    vec_.convert({values_, Elem::f32}, {from, elem(block_.dtype)}, n);
    return values_;
  }

 private:
  const WeightBlock& block_;
  const VectorKernels& vec_;
  alignas(64) float values_[kTile];
};

class Quantizer {
 public:
  Quantizer(const WeightBlock& block, int64_t k, const VectorKernels& vec, Pool& pool)
      : block_(block), k_(k), vec_(vec), pool_(pool) {}

  void rows(WeightFormat format, uint8_t* codes, float* scales) {
    const float most = format == WeightFormat::int8 ? 127.0f : kLargestE4m3;
    pool_.ranges(block_.rows, 4 * k_, [&](int64_t begin, int64_t end, int) {
      Reader reader(block_, vec_);
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
    throw_if_bad();
  }

  float blocks(uint8_t* codes, float* scales, uint8_t* block_codes) {
    const int64_t n = block_.rows * k_, tiles = ceil_div(n, kTile);
    std::vector<float> maxima(static_cast<size_t>(ceil_div(n, kNf4Block)));
    pool_.ranges(tiles, 8 * kTile, [&](int64_t begin, int64_t end, int) {
      Reader reader(block_, vec_);
      for (int64_t tile = begin; tile < end; tile++) {
        const int64_t first = tile * kTile, count = std::min(kTile, n - first);
        float* to = maxima.data() + first / kNf4Block;
        quantize_nf4(codes + first / 2, to, reader.read(first, count), count);
        for (int64_t i = 0; i < ceil_div(count, kNf4Block); i++) require_finite(to[i], first + i * kNf4Block);
      }
    });
    throw_if_bad();
    return quantize_maxima(block_codes, scales, maxima.data(), static_cast<int64_t>(maxima.size()));
  }

 private:
  template <class Body>
  static void each_tile(int64_t first, int64_t n, Body&& body) {
    for (int64_t done = 0; done < n; done += kTile) body(first + done, std::min(kTile, n - done));
  }
  void require_finite(float m, int64_t element) {
    if (!(m <= 3.4028235e38f)) bad_row_ = element / k_;
  }
  void throw_if_bad() const {
    if (bad_row_ >= 0) throw Error("row " + std::to_string(bad_row_) + " has elements that are not finite numbers");
  }

  const WeightBlock& block_;
  const int64_t k_;
  const VectorKernels& vec_;
  Pool& pool_;
  std::atomic<int64_t> bad_row_{-1};
};

}  // namespace

QuantParts::QuantParts(WeightFormat format, int64_t rows, int64_t k) {
  const int64_t n = rows * k, blocks = ceil_div(n, kNf4Block);
  const bool nf4 = format == WeightFormat::nf4;
  codes = aligned(static_cast<size_t>(nf4 ? ceil_div(n, 2) : n));
  scales = aligned(static_cast<size_t>(nf4 ? ceil_div(blocks, kNf4ScaleBlock) : rows) * sizeof(float));
  block_codes = nf4 ? aligned(static_cast<size_t>(blocks)) : 0;
}

size_t QuantizedMatrix::bytes(WeightFormat format, int64_t rows, int64_t k) {
  const QuantParts parts(format, rows, k);
  return parts.codes + parts.scales + parts.block_codes;
}

QuantizedMatrix::QuantizedMatrix(WeightFormat format, const WeightBlock& block, int64_t k, const IsaKernels& isa,
                                 Pool& pool)
    : rows_(block.rows), memory_(bytes(format, block.rows, k)), views_(std::make_unique<Views>()) {
  const QuantParts parts(format, block.rows, k);
  uint8_t* codes = reinterpret_cast<uint8_t*>(memory_.data());
  float* scales = reinterpret_cast<float*>(memory_.data() + parts.codes);
  uint8_t* block_codes = reinterpret_cast<uint8_t*>(memory_.data() + parts.codes + parts.scales);
  Quantizer quantizer(block, k, isa.vector, pool);
  float mean = 0;
  if (format == WeightFormat::nf4)
    mean = quantizer.blocks(codes, scales, block_codes);
  else
    quantizer.rows(format, codes, scales);
  views_->whole = {static_cast<QuantView::Format>(format), k, codes, scales, block_codes, mean, &isa.quantized};
  views_->codes = views_->whole;
  views_->codes.scales = nullptr;
}

void pack_quantized(const QuantView& w, const PanelKernel& kernel, void* panel, bool along_k, int64_t first,
                    int64_t count, int64_t first_k, int64_t k, bool round) {
  constexpr int64_t kAtOnce = 256, kWidest = 64;
  alignas(64) float memory[kAtOnce * kWidest];  // of bf16 half is used
  const Elem type = kernel.packed;
  const auto values = [&](int64_t at) { return Run{reinterpret_cast<char*>(memory) + at * elem_size(type), type}; };
  char* to = static_cast<char*>(panel);
  for (int64_t done = 0; done < k; done += kAtOnce) {
    const int64_t n = std::min(kAtOnce, k - done), from = first_k + done, lines = along_k ? count : n;
    const int64_t stride = along_k ? kAtOnce : kWidest;
    for (int64_t line = 0; line < lines; line++) {
      if (along_k)
        w.kernels->dequantize(values(line * stride), w, first + line, from, n, round);
      else
        w.kernels->dequantize(values(line * stride), w, from + line, first, count, round);
    }
    const StridedMatrix plain = {memory, type, stride, 1, 0, along_k};
    kernel.pack_b(to + kernel.bytes(done * kernel.nr), plain, 0, count, 0, n, round);
  }
}

Weight* CpuDevice::make_quantized(std::span<const WeightBlock> blocks, int64_t k, DType compute, WeightFormat format) {
  auto w = std::make_unique<CpuWeight>();
  w->compute = compute;
  w->k = k;
  w->casts_operands = format == WeightFormat::fp8_gemm;
  w->quantized.reserve(blocks.size());
  for (const WeightBlock& b : blocks) {
    const QuantizedMatrix& made = w->quantized.emplace_back(stored_as(format), b, k, isa_, pool_);
    const QuantView *view = &made.view(), *back = w->casts_operands ? &made.codes_alone() : view;
    w->forward_pieces.push_back({{nullptr, Elem::f32, 0, 1, 0, true}, b.rows, k, view});
    w->backward_pieces.push_back({{nullptr, Elem::f32, 0, 1, 0, false}, k, b.rows, back});
    w->n += b.rows;
    w->bytes.owned += QuantizedMatrix::bytes(stored_as(format), b.rows, k);
  }
  return w.release();
}

void CpuDevice::skinny_gemm_quantized(const Tensor& y, const Tensor& x, const CpuWeight& w, const Tensor* add) {
  if (y.rows == 0) return;
  Arena arena(workspace_);
  int64_t x_stride;
  float* xs = rows_in_f32(arena, x, w.compute == DType::bf16, x_stride);
  for (int64_t t = 0; t < x.rows; t++) isa_.quantized.arrange(xs + t * x_stride, w.quantized[0].view());
  int64_t column = 0;
  for (const QuantizedMatrix& matrix : w.quantized) {
    const int64_t n = matrix.rows(), strips = ceil_div(n, kStrip);
    pool_.ranges(strips, kStrip * w.k * (1 + y.rows / 4) / 2, [&](int64_t begin, int64_t end, int) {
      for (int64_t strip = begin; strip < end; strip++) {
        const int64_t first = strip * kStrip, count = std::min(kStrip, n - first), col = column + first;
        float out[kSkinnyRows * kStrip];
        isa_.quantized.gemv(out, kStrip, matrix.view(), first, count, xs, x_stride, y.rows);
        const Tensor part = y.columns(col, count);
        ConstRun sum = {nullptr, Elem::f32};
        if (add) sum = at(add->columns(col, count), 0);
        vec_.store_tile(out, kStrip, y.rows, count, run_at(part, 0), y.stride, 1, sum, add ? add->stride : 0);
      }
    });
    column += n;
  }
}

}  // namespace vq::cpu
