// GEMMs with weights of WeightFormat::fp8_gemm: on the fp8 tensor cores if the GPU has them and the shapes are
// supported, otherwise with the rounded operands in the type of the other GEMMs.
//
// cuBLASLt supports fp8 in one layout only: both operands with rows along the summed dimension. The backward pass,
// which sums over the rows of W, therefore uses a second, transposed copy of the codes.
#include <algorithm>
#include <vector>

#include "ops/cuda/device.h"
#include "ops/cuda/fp8.h"
#include "ops/cuda/host_quantized.h"

namespace vq::cuda {
namespace {

// The types that fp8 GEMMs require for their result and addend.
bool suits(const Tensor& t) {
  return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride * static_cast<int64_t>(size_of(t.dtype)) % 16 == 0;
}

}  // namespace

void CudaDevice::reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format) {
  if (format != WeightFormat::fp8_gemm) return;
  stream();
  const size_t operands = needs_->fp8_operand_bytes(rows, widest), sums = needs_->fp8_sum_bytes(rows, widest);
  if (operands > rounded_.bytes()) grow(rounded_, operands);
  if (sums > sums_.bytes()) grow(sums_, sums);
}

// The codes of all blocks and their scales, stacked.
void CudaDevice::upload_codes(CudaWeight& w, std::span<const WeightBlock> blocks, unsigned uses) {
  w.fp8_operands = true;
  auto* codes = static_cast<uint8_t*>(w.memory.emplace_back(static_cast<size_t>(w.n * w.k)).data());
  auto* scales = static_cast<float*>(w.memory.emplace_back(static_cast<size_t>(w.n) * sizeof(float)).data());
  uint8_t* transposed = nullptr;
  if ((uses & use_backward) && needs_->multiplies_codes(w.n, w.k, w.compute)) {
    transposed = static_cast<uint8_t*>(w.memory.emplace_back(static_cast<size_t>(w.n * w.k)).data());
  }
  int64_t row = 0;
  for (const WeightBlock& b : blocks) {
    const HostQuantized made(WeightFormat::fp8, b, w.k);
    staging_->upload(codes + row * w.k, made.parts.codes, static_cast<size_t>(b.rows * w.k));
    staging_->upload(scales + row, made.parts.scales, static_cast<size_t>(b.rows) * sizeof(float));
    WeightMatrix& m = w.matrices.emplace_back();
    m.format = WeightFormat::fp8;
    m.plain = {nullptr, w.compute, b.rows, w.k, w.k};
    m.codes = codes + row * w.k;
    m.scales = scales + row;
    row += b.rows;
  }
  if (transposed) transpose_codes(stream(), transposed, codes, w.n, w.k);
  w.codes = {codes, transposed, scales};
  if (gemm_->fp8_gemms() == Fp8Gemms::scaled && ones_.bytes() < static_cast<size_t>(w.k) * sizeof(float)) {
    const std::vector<float> ones(static_cast<size_t>(w.k), 1.0f);
    grow(ones_, ones.size() * sizeof(float));
    staging_->upload(ones_.data(), ones.data(), ones_.bytes());
  }
}

bool CudaDevice::multiply_codes(const Tensor& y, const Tensor& x, const float* columns, const uint8_t* matrix,
                                const float* scales, const Tensor* add) {
  if (needs_->fp8_operand_bytes(x.rows, x.cols) > rounded_.bytes())
    throw Error("fp8 GEMM: more rows than the reserved workspace holds");
  auto* codes = static_cast<uint8_t*>(rounded_.data());
  auto* row_scales = reinterpret_cast<float*>(codes + aligned_part(static_cast<size_t>(x.rows * x.cols)));
  const Tensor a{codes, DType::f32, x.rows, x.cols, x.cols};
  // Activations tolerate fewer bits in partial sums; gradients, whose small differences are what is learned, do not.
  const bool forward = scales != nullptr;
  const auto rows_of_matrix = [&](int64_t row, int64_t count) {
    return Tensor{const_cast<uint8_t*>(matrix) + row * x.cols, DType::f32, count, x.cols, x.cols};
  };
  if (gemm_->fp8_gemms() == Fp8Gemms::scaled) {
    const GemmCall scaled = {.d = y,
                             .a = a,
                             .b = rows_of_matrix(0, y.cols),
                             .c = add,
                             .transpose_b = true,
                             .codes = true,
                             .fast_sums = forward,
                             .a_scales = row_scales,
                             .b_scales = scales ? scales : static_cast<const float*>(ones_.data())};
    if (!gemm_->has_kernel(scaled, stream())) return false;
    round_to_codes(stream(), codes, row_scales, x, columns);
    gemm_->multiply(scaled, stream());
    return true;
  }
  const auto sums = static_cast<int64_t>(sums_.bytes() / sizeof(float));
  const int64_t most = std::min(y.cols, sums / y.rows / kFp8Unit * kFp8Unit);
  for (int64_t col = 0; col < y.cols; col += most) {
    const int64_t count = std::min(most, y.cols - col);
    const Tensor raw{sums_.data(), DType::f32, y.rows, count, count};
    const GemmCall unscaled = {
        .d = raw, .a = a, .b = rows_of_matrix(col, count), .transpose_b = true, .codes = true, .fast_sums = forward};
    if (!gemm_->has_kernel(unscaled, stream())) return false;
    if (col == 0) round_to_codes(stream(), codes, row_scales, x, columns);
    gemm_->multiply(unscaled, stream());
    const Tensor added = add ? add->columns(col, count) : Tensor{};
    scale_sums(stream(), y.columns(col, count), raw, row_scales, scales ? scales + col : nullptr,
               add ? &added : nullptr);
  }
  return true;
}

template <class Body>
void CudaDevice::each_rounded(const Tensor& x, const float* columns, DType compute, Body&& body) {
  const auto elements = static_cast<int64_t>(rounded_.bytes() / size_of(compute)), most = elements / x.cols;
  if (most == 0) throw Error("fp8 GEMM: row longer than the reserved workspace");
  for (int64_t row = 0; row < x.rows; row += most) {
    const int64_t count = std::min(most, x.rows - row);
    const Tensor rounded{rounded_.data(), compute, count, x.cols, x.cols};
    round_to_fp8(stream(), rounded, x.row_range(row, count), columns);
    body(row, count, rounded);
  }
}

void CudaDevice::linear_rounded(const Tensor& y, const Tensor& x, const CudaWeight& w, const Tensor* add) {
  if (y.rows == 0) return;
  const bool in_codes =
      y.rows > kSkinnyRows && suits(y) && (!add || suits(*add)) && needs_->multiplies_codes(w.n, w.k, w.compute);
  if (in_codes && multiply_codes(y, x, nullptr, w.codes.rows, w.codes.scales, add)) return;
  each_rounded(x, nullptr, w.compute, [&](int64_t row, int64_t count, const Tensor& rounded) {
    const Tensor added = add ? add->row_range(row, count) : Tensor{};
    linear_of(y.row_range(row, count), rounded, w, add ? &added : nullptr);
  });
}

void CudaDevice::linear_backward_rounded(const Tensor& dx, const Tensor& dy, const CudaWeight& w, bool accumulate) {
  if (dx.rows == 0) return;
  const Tensor* add = accumulate ? &dx : nullptr;
  if (w.codes.transposed && suits(dx) && multiply_codes(dx, dy, w.codes.scales, w.codes.transposed, nullptr, add))
    return;
  each_rounded(dy, w.codes.scales, w.compute, [&](int64_t row, int64_t count, const Tensor& rounded) {
    linear_backward_of(dx.row_range(row, count), rounded, w, accumulate);
  });
}

}  // namespace vq::cuda
