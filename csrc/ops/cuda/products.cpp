// Weights on the card, and the ops that multiply.
#include <algorithm>

#include "ops/cuda/device.h"
#include "ops/cuda/kernels.h"

namespace vq::cuda {
namespace {

constexpr unsigned kProducts = use_forward | use_backward | use_decode;

// Whether rows are gathered in another type than the products'.
bool keeps_rows(std::span<const WeightBlock> blocks, DType compute, unsigned uses) {
  return (uses & use_gather) && (!(uses & kProducts) || blocks[0].dtype != compute);
}

int64_t rows_of_all(std::span<const WeightBlock> blocks) {
  int64_t rows = 0;
  for (const WeightBlock& b : blocks) rows += b.rows;
  return rows;
}

}  // namespace

WeightBytes CudaDevice::weight_bytes(std::span<const WeightBlock> blocks, int64_t k, DType compute,
                                     unsigned uses) const {
  const auto elements = static_cast<size_t>(rows_of_all(blocks) * k);
  WeightBytes bytes;
  if (uses & kProducts) bytes.owned += elements * size_of(compute);
  if (keeps_rows(blocks, compute, uses)) bytes.owned += elements * size_of(blocks[0].dtype);
  return bytes;
}

Weight* CudaDevice::make_weight(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses) {
  stream();
  auto w = std::make_unique<CudaWeight>();
  w->n = rows_of_all(blocks);
  w->k = k;
  w->bytes = weight_bytes(blocks, k, compute, uses);
  const auto take = [&](DeviceBuffer& buffer, DType type) {
    buffer = DeviceBuffer(static_cast<size_t>(w->n * k) * size_of(type));
    const Tensor all{buffer.data(), type, w->n, k, k};
    int64_t row = 0;
    for (const WeightBlock& b : blocks) {
      fill(all.row_range(row, b.rows), b);
      row += b.rows;
    }
    return all;
  };
  if (uses & kProducts) w->product = take(w->matrix, compute);
  w->gather = keeps_rows(blocks, compute, uses) ? take(w->rows, blocks[0].dtype) : w->product;
  return w.release();
}

// Puts a block where it belongs, in the type that it has there. The caller's data may go when this returns.
void CudaDevice::fill(const Tensor& to, const WeightBlock& block) {
  if (block.dtype == to.dtype) {
    staging_->upload(to.data, block.data, static_cast<size_t>(to.rows * to.cols) * size_of(to.dtype));
    return;
  }
  // Some rows at a time through memory in the file's type.
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

void CudaDevice::linear(const Tensor& y, const Tensor& x, const Weight& weight, const Tensor* add) {
  const auto& w = static_cast<const CudaWeight&>(weight);
  gemm_->multiply({.d = y, .a = x, .b = w.product, .c = add, .transpose_b = true}, stream());
}

void CudaDevice::linear_backward(const Tensor& dx, const Tensor& dy, const Weight& weight, bool accumulate) {
  const auto& w = static_cast<const CudaWeight&>(weight);
  gemm_->multiply({.d = dx, .a = dy, .b = w.product, .c = accumulate ? &dx : nullptr}, stream());
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
