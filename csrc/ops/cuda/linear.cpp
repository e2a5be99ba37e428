// Weights on the GPU, and the ops that multiply by them.
#include <algorithm>

#include "ops/cuda/device.h"
#include "ops/cuda/host_quantized.h"
#include "ops/cuda/kernels.h"

namespace vq::cuda {
namespace {

// Above this many rows, cuBLASLt is faster; quantized matrices must be dequantized for it.
constexpr int64_t kSkinnyPlainRows = 4;
}  // namespace

Weight* CudaDevice::make_weight(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                                WeightFormat format) {
  stream();
  auto w = std::make_unique<CudaWeight>();
  w->compute = compute;
  w->n = rows_of(blocks);
  w->k = k;
  w->bytes = weight_bytes(blocks, k, compute, uses, format);
  if (format != WeightFormat::plain) {
    if (format == WeightFormat::fp8_gemm) {
      upload_codes(*w, blocks, uses);
    } else {
      for (const WeightBlock& b : blocks) w->matrices.push_back(quantized(*w, b, format));
    }
    reserve_tile(*w);
    return w.release();
  }
  const auto take = [&](DType type) {
    w->memory.emplace_back(static_cast<size_t>(w->n * k) * size_of(type));
    const Tensor all{w->memory.back().data(), type, w->n, k, k};
    int64_t row = 0;
    for (const WeightBlock& b : blocks) {
      fill(all.row_range(row, b.rows), b);
      row += b.rows;
    }
    return all;
  };
  if (uses & kGemmUses) {
    w->matrices.emplace_back().plain = take(compute);
    w->gather = w->matrices[0].plain;
  }
  if (keeps_gather_rows(blocks, compute, uses)) w->gather = take(blocks[0].dtype);
  return w.release();
}

// Copies a block to its place, converted to the stored type. The caller's data can be freed when this returns.
void CudaDevice::fill(const Tensor& to, const WeightBlock& block) {
  if (block.dtype == to.dtype) {
    staging_->upload(to.data, block.data, static_cast<size_t>(to.rows * to.cols) * size_of(to.dtype));
    return;
  }
  // Copies in chunks of rows through a buffer in the file's type.
  constexpr int64_t kAtOnce = 8 << 20;
  const int64_t most = std::max<int64_t>(1, kAtOnce / to.cols);
  const DeviceBuffer raw(static_cast<size_t>(std::min(most, to.rows) * to.cols) * size_of(block.dtype));
  for (int64_t row = 0; row < to.rows; row += most) {
    const int64_t count = std::min(most, to.rows - row);
    const Tensor some{raw.data(), block.dtype, count, to.cols, to.cols};
    staging_->upload(raw.data(),
                     static_cast<const char*>(block.data) + row * to.cols * static_cast<int64_t>(size_of(block.dtype)),
                     static_cast<size_t>(count * to.cols) * size_of(block.dtype));
    copy_rows(stream(), to.row_range(row, count), some);
  }
  synchronize();
}

WeightMatrix CudaDevice::quantized(CudaWeight& weight, const WeightBlock& block, WeightFormat format) {
  const HostQuantized made(format, block, weight.k);
  const auto upload_part = [&](const void* host, size_t bytes) {
    weight.memory.emplace_back(bytes);
    staging_->upload(weight.memory.back().data(), host, bytes);
    return weight.memory.back().data();
  };
  WeightMatrix w;
  w.format = format;
  w.plain = {nullptr, weight.compute, block.rows, weight.k, weight.k};
  w.codes = static_cast<const uint8_t*>(upload_part(made.parts.codes, made.sizes.codes));
  w.scales = static_cast<const float*>(upload_part(made.parts.scales, made.sizes.scales));
  if (format == WeightFormat::nf4) {
    w.block_codes = static_cast<const uint8_t*>(upload_part(made.parts.block_codes, made.sizes.block_codes));
    w.block_mean = made.block_mean;
    if (!tables_.data()) {
      tables_ = DeviceBuffer((kNf4Codes + kNf4Maxima) * sizeof(float));
      staging_->upload(tables_.data(), kNf4Table, sizeof kNf4Table);
      staging_->upload(static_cast<float*>(tables_.data()) + kNf4Codes, kDynamicMap.value, sizeof kDynamicMap.value);
    }
    w.tables = static_cast<const float*>(tables_.data());
  }
  return w;
}

void CudaDevice::reserve_tile(const CudaWeight& weight) {
  const size_t bytes = needs_->tile_bytes(weight.n, weight.k, weight.compute);
  if (bytes > tile_.bytes()) grow(tile_, bytes);
}

Tensor CudaDevice::some_rows(const CudaWeight& w, const WeightMatrix& m, int64_t row, int64_t count) {
  const Tensor t{tile_.data(), w.compute, count, w.k, w.k};
  dequantize(stream(), t, m, row, 0);
  return t;
}

Tensor CudaDevice::some_columns(const CudaWeight& w, int64_t col, int64_t count) {
  const Tensor t{tile_.data(), w.compute, w.n, count, count};
  int64_t row = 0;
  for (WeightMatrix m : w.matrices) {
    if (w.fp8_operands) m.scales = nullptr;  // already applied to the gradient
    dequantize(stream(), t.row_range(row, m.plain.rows), m, 0, col);
    row += m.plain.rows;
  }
  return t;
}

void CudaDevice::linear(const Tensor& y, const Tensor& x, const Weight& weight, const Tensor* add) {
  const auto& w = static_cast<const CudaWeight&>(weight);
  w.fp8_operands ? linear_rounded(y, x, w, add) : linear_of(y, x, w, add);
}

void CudaDevice::linear_backward(const Tensor& dx, const Tensor& dy, const Weight& weight, bool accumulate) {
  const auto& w = static_cast<const CudaWeight&>(weight);
  w.fp8_operands ? linear_backward_rounded(dx, dy, w, accumulate) : linear_backward_of(dx, dy, w, accumulate);
}

void CudaDevice::linear_of(const Tensor& y, const Tensor& x, const CudaWeight& w, const Tensor* add) {
  int64_t column = 0;
  for (const WeightMatrix& m : w.matrices) {
    const Tensor part = y.columns(column, m.plain.rows);
    const Tensor added = add ? add->columns(column, m.plain.rows) : Tensor{};
    column += m.plain.rows;
    const bool plain = m.format == WeightFormat::plain;
    if (y.rows == 0) continue;
    if (y.rows <= (plain ? kSkinnyPlainRows : kSkinnyRows)) {
      skinny_gemm(stream(), part, x, m, add ? &added : nullptr);
      continue;
    }
    const int64_t most = plain ? part.cols : needs_->tile_rows(part.cols, w.k);
    for (int64_t row = 0; row < part.cols; row += most) {
      const int64_t count = std::min(most, part.cols - row);
      const Tensor c = add ? added.columns(row, count) : Tensor{};
      gemm_->multiply({.d = part.columns(row, count),
                       .a = x,
                       .b = plain ? m.plain : some_rows(w, m, row, count),
                       .c = add ? &c : nullptr,
                       .transpose_b = true},
                      stream());
    }
  }
}

void CudaDevice::linear_backward_of(const Tensor& dx, const Tensor& dy, const CudaWeight& w, bool accumulate) {
  const bool plain = w.matrices[0].format == WeightFormat::plain;
  // Processes chunks of columns of all matrices, so that every sum is complete before it is stored.
  const int64_t most = plain ? w.k : needs_->tile_columns(w.n, w.k);
  for (int64_t col = 0; col < w.k; col += most) {
    const int64_t count = std::min(most, w.k - col);
    const Tensor d = dx.columns(col, count);
    gemm_->multiply({.d = d,
                     .a = dy,
                     .b = plain ? w.matrices[0].plain : some_columns(w, col, count),
                     .c = accumulate ? &d : nullptr},
                    stream());
  }
}

void CudaDevice::matmul(const Tensor& c, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                        float alpha, bool accumulate, DType) {
  gemm_->multiply({.d = c,
                   .a = a,
                   .b = b,
                   .c = accumulate ? &c : nullptr,
                   .transpose_a = transpose_a,
                   .transpose_b = transpose_b,
                   .alpha = alpha},
                  stream());
}

}  // namespace vq::cuda
