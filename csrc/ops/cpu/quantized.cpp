#include "ops/cpu/quantized.h"

#include <algorithm>

#include "ops/cpu/device.h"

namespace vq::cpu {

static_assert(static_cast<int>(QuantView::int8) == static_cast<int>(WeightFormat::int8) &&
              static_cast<int>(QuantView::nf4) == static_cast<int>(WeightFormat::nf4) &&
              static_cast<int>(QuantView::fp8) == static_cast<int>(WeightFormat::fp8));

namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t kStrip = 64;  // columns of y per task
}  // namespace

QuantizedMatrix::QuantizedMatrix(WeightFormat format, const WeightBlock& block, int64_t k, const IsaKernels& isa,
                                 Pool& pool)
    : QuantizedMatrix(format, block, k, isa, pool, Buffer(QuantizedSizes(format, block.rows, k).all())) {}

QuantizedMatrix::QuantizedMatrix(WeightFormat format, const WeightBlock& block, int64_t k, const IsaKernels& isa,
                                 Pool& pool, Buffer memory)
    : QuantizedMatrix(format, block, k, isa, pool, memory.data()) {
  own_ = std::move(memory);
}

QuantizedMatrix::QuantizedMatrix(WeightFormat format, const WeightBlock& block, int64_t k, const IsaKernels& isa,
                                 Pool& pool, char* memory)
    : rows_(block.rows), views_(std::make_unique<Views>()) {
  const QuantizedSizes sizes(format, block.rows, k);
  auto* codes = reinterpret_cast<uint8_t*>(memory);
  const QuantizedParts parts = {codes, reinterpret_cast<float*>(codes + sizes.codes),
                                codes + sizes.codes + sizes.scales};
  const float mean = quantize(format, block, k, parts, pool);
  views_->whole = {
      static_cast<QuantView::Format>(format), k, parts.codes, parts.scales, parts.block_codes, mean, &isa.quantized};
  views_->codes = views_->whole;
  views_->codes.scales = nullptr;
}

void pack_quantized(const QuantView& w, const PanelKernel& kernel, void* panel, bool along_k, int64_t first,
                    int64_t count, int64_t first_k, int64_t k, bool round) {
  constexpr int64_t kAtOnce = 256, kWidest = 64;
  alignas(64) float memory[kAtOnce * kWidest];  // bf16 uses half
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
  w->fp8_operands = format == WeightFormat::fp8_gemm;
  w->quantized.reserve(blocks.size());
  w->bytes = weight_bytes(blocks, k, compute, 0, format);
  w->copy = Buffer(w->bytes.owned);
  char* memory = w->copy.data();
  for (const WeightBlock& b : blocks) {
    const QuantizedMatrix& made = w->quantized.emplace_back(stored_as(format), b, k, isa_, pool_, memory);
    const QuantView *view = &made.view(), *back = w->fp8_operands ? &made.codes_alone() : view;
    w->forward_pieces.push_back({{nullptr, Elem::f32, 0, 1, 0, true}, b.rows, k, view});
    w->backward_pieces.push_back({{nullptr, Elem::f32, 0, 1, 0, false}, k, b.rows, back});
    w->n += b.rows;
    memory += QuantizedSizes(stored_as(format), b.rows, k).all();
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
