// The ops that multiply by weights and matrices.
#include <algorithm>
#include <memory>

#include "ops/cpu/device.h"

namespace vq::cpu {
namespace {

// W as b[N, K], and as b[K, N] for the transpose.
std::vector<WeightSlice> forward_pieces(std::span<const WeightBlock> blocks, int64_t k) {
  std::vector<WeightSlice> pieces;
  for (const WeightBlock& b : blocks) pieces.push_back({{b.data, elem(b.dtype), k, 1, 0, true}, b.rows, k});
  return pieces;
}
std::vector<WeightSlice> backward_pieces(std::span<const WeightBlock> blocks, int64_t k) {
  std::vector<WeightSlice> pieces;
  for (const WeightBlock& b : blocks) pieces.push_back({{b.data, elem(b.dtype), k, 1, 0, false}, k, b.rows});
  return pieces;
}

StridedMatrix rows_along_k(const Tensor& t) { return {t.data, elem(t.dtype), t.stride, 1, 0, true}; }
StridedMatrix rows_are_k(const Tensor& t) { return {t.data, elem(t.dtype), t.stride, 1, 0, false}; }

}  // namespace

namespace {

// What is stored for a weight.
struct Parts {
  bool forward, backward;  // packed panels
  bool rows;               // the blocks as given, borrowed or copied
};

Parts parts_of(bool packs, unsigned uses) {
  if (!packs) return {false, false, true};
  return {(uses & use_forward) != 0, (uses & use_backward) != 0, (uses & (use_gather | use_decode)) != 0};
}

// A copy is stored in the GEMM type (rounding early or late gives the same result), or in bf16 if that is exact.
DType copy_type(DType stored, DType compute) { return stored == DType::bf16 ? stored : compute; }

}  // namespace

WeightBytes CpuDevice::weight_bytes(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                                    WeightFormat format) const {
  if (format != WeightFormat::plain) {
    WeightBytes quantized;
    for (const WeightBlock& b : blocks) quantized.owned += QuantizedSizes(stored_as(format), b.rows, k).all();
    return quantized;
  }
  const Parts parts = parts_of(packs_weights(compute), uses);
  const std::vector<WeightSlice> forward = forward_pieces(blocks, k), backward = backward_pieces(blocks, k);
  WeightBytes bytes;
  if (parts.forward) bytes.owned += static_cast<size_t>(Stack{forward, false}.packed_bytes(panels(compute)));
  if (parts.backward) bytes.owned += static_cast<size_t>(Stack{backward, true}.packed_bytes(panels(compute)));
  for (const WeightBlock& b : blocks) {
    if (!parts.rows) continue;
    if (uses & use_copy)
      bytes.owned += aligned(static_cast<size_t>(b.rows * k) * size_of(copy_type(b.dtype, compute)));
    else
      bytes.borrowed += static_cast<size_t>(b.rows * k) * size_of(b.dtype);
  }
  return bytes;
}

Weight* CpuDevice::make_weight(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                               WeightFormat format) {
  if (format != WeightFormat::plain) return make_quantized(blocks, k, compute, format);
  const Parts parts = parts_of(packs_weights(compute), uses);
  auto w = std::make_unique<CpuWeight>();
  w->compute = compute;
  w->k = k;
  w->bytes = weight_bytes(blocks, k, compute, uses);
  for (const WeightBlock& b : blocks) w->n += b.rows;
  const auto pack = [&](const Stack& b) {
    const PanelKernel& kernel = panels(compute);
    Buffer buffer(static_cast<size_t>(b.packed_bytes(kernel)));
    pool_.run(b.panels(kernel), w->n * k, [&](int64_t panel, int) {
      b.pack_panel(kernel, panel, buffer.data() + panel * b.panel_bytes(kernel), true);
    });
    return buffer;
  };
  w->forward_pieces = forward_pieces(blocks, k);
  w->backward_pieces = backward_pieces(blocks, k);
  if (parts.forward) w->forward = pack({w->forward_pieces, false});
  if (parts.backward) w->backward = pack({w->backward_pieces, true});
  if (!parts.rows) return w.release();
  w->blocks.assign(blocks.begin(), blocks.end());
  if (uses & use_copy) {
    w->copy = Buffer(w->bytes.owned - w->forward.bytes() - w->backward.bytes());
    char* to = w->copy.data();
    for (WeightBlock& b : w->blocks) {
      const DType type = copy_type(b.dtype, compute);
      vec_.convert({to, elem(type)}, {b.data, elem(b.dtype)}, b.rows * k);
      b = {to, type, b.rows};
      to += aligned(static_cast<size_t>(b.rows * k) * size_of(type));
    }
    w->forward_pieces = forward_pieces(w->blocks, k);
    w->backward_pieces = backward_pieces(w->blocks, k);
  }
  return w.release();
}

void CpuDevice::linear(const Tensor& y, const Tensor& input, const Weight& weight, const Tensor* add) {
  const auto& w = static_cast<const CpuWeight&>(weight);
  const Tensor x = w.fp8_operands ? rounded_to_fp8(input, w, false) : input;
  const bool round = w.compute == DType::bf16;
  if (y.rows <= kSkinnyRows && !w.quantized.empty()) return skinny_gemm_quantized(y, x, w, add);
  if (y.rows <= kSkinnyRows && !w.blocks.empty()) return skinny_gemm(y, x, w.forward_pieces, 1, add, round);
  GemmCall p = {.m = y.rows,
                .a = rows_along_k(x),
                .b = {w.forward_pieces, false},
                .packed_b = w.forward.data(),
                .round = round,
                .c = run_at(y, 0),
                .c_stride = y.stride};
  if (add) {
    p.add = at(*add, 0);
    p.add_stride = add->stride;
  }
  multiply(p, panels(w.compute), vec_, pool_, workspace_);
}

void CpuDevice::linear_backward(const Tensor& dx, const Tensor& gradient, const Weight& weight, bool accumulate) {
  const auto& w = static_cast<const CpuWeight&>(weight);
  const Tensor dy = w.fp8_operands ? rounded_to_fp8(gradient, w, true) : gradient;
  GemmCall p = {.m = dx.rows,
                .a = rows_along_k(dy),
                .b = {w.backward_pieces, true},
                .packed_b = w.backward.data(),
                .round = w.compute == DType::bf16,
                .c = run_at(dx, 0),
                .c_stride = dx.stride};
  if (accumulate) {
    p.add = at(dx, 0);
    p.add_stride = dx.stride;
  }
  multiply(p, panels(w.compute), vec_, pool_, workspace_);
}

void CpuDevice::matmul(const Tensor& c, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                       float alpha, bool accumulate, DType compute) {
  const int64_t k = transpose_a ? a.rows : a.cols;
  const WeightSlice piece = {transpose_b ? rows_along_k(b) : rows_are_k(b), c.cols, k};
  if (c.rows <= kSkinnyRows && !transpose_a && transpose_b)
    return skinny_gemm(c, a, {&piece, 1}, alpha, accumulate ? &c : nullptr, compute == DType::bf16);
  GemmCall p = {.m = c.rows,
                .a = transpose_a ? rows_are_k(a) : rows_along_k(a),
                .b = {{&piece, 1}, false},
                .round = compute == DType::bf16,
                .alpha = alpha,
                .c = run_at(c, 0),
                .c_stride = c.stride};
  if (accumulate) {
    p.add = at(c, 0);
    p.add_stride = c.stride;
  }
  multiply(p, panels(compute), vec_, pool_, workspace_);
}

float* CpuDevice::rows_in_f32(Arena& arena, const Tensor& x, bool round, int64_t& stride) const {
  stride = (x.cols + 15) / 16 * 16;
  float* xs = arena.take<float>(static_cast<size_t>(x.rows * stride));
  uint16_t* rounded = arena.take<uint16_t>(static_cast<size_t>(x.cols));
  for (int64_t t = 0; t < x.rows; t++) {
    ConstRun row = at(x, t);
    if (round && row.type == Elem::f32) {
      vec_.convert({rounded, Elem::bf16}, row, x.cols);
      row = {rounded, Elem::bf16};
    }
    vec_.convert({xs + t * stride, Elem::f32}, row, x.cols);
  }
  return xs;
}

uint16_t* CpuDevice::rows_in_bf16(Arena& arena, const Tensor& x, int64_t& stride) const {
  stride = (x.cols + 31) / 32 * 32;
  auto* xs = arena.take<uint16_t>(static_cast<size_t>(x.rows * stride));
  for (int64_t t = 0; t < x.rows; t++) vec_.convert({xs + t * stride, Elem::bf16}, at(x, t), x.cols);
  return xs;
}

void CpuDevice::skinny_gemm(const Tensor& y, const Tensor& x, std::span<const WeightSlice> pieces, float alpha,
                            const Tensor* add, bool round) {
  constexpr int64_t kStrip = 64;  // columns of y per task
  if (y.rows == 0) return;
  const int64_t k = x.cols;
  Arena arena(workspace_);
  const auto in_pairs = [&](const WeightSlice& w) { return isa_.bf16_gemv && round && w.lines.type == Elem::bf16; };
  const bool some_in_pairs = std::any_of(pieces.begin(), pieces.end(), in_pairs),
             all_in_pairs = std::all_of(pieces.begin(), pieces.end(), in_pairs);
  int64_t f32_stride = 0, bf16_stride = 0;
  const float* f32_rows = all_in_pairs ? nullptr : rows_in_f32(arena, x, round, f32_stride);
  const uint16_t* bf16_rows = some_in_pairs ? rows_in_bf16(arena, x, bf16_stride) : nullptr;
  int64_t column = 0;
  for (const WeightSlice& piece : pieces) {
    const ConstRun w = {piece.lines.data, piece.lines.type};
    const int64_t strips = (piece.n + kStrip - 1) / kStrip, stride = piece.lines.stride;
    pool_.ranges(strips, kStrip * k * (1 + y.rows / 4) / 2, [&](int64_t begin, int64_t end, int) {
      for (int64_t strip = begin; strip < end; strip++) {
        const int64_t first = strip * kStrip, count = std::min(kStrip, piece.n - first), col = column + first;
        float out[kSkinnyRows * kStrip];
        const ConstRun rows = {static_cast<const char*>(w.data) + first * stride * elem_size(w.type), w.type};
        if (in_pairs(piece))
          isa_.bf16_gemv(out, kStrip, static_cast<const uint16_t*>(rows.data), stride, count, k, bf16_rows, bf16_stride,
                         y.rows);
        else
          vec_.gemv(out, kStrip, rows, stride, count, k, f32_rows, f32_stride, y.rows, round);
        const Tensor part = y.columns(col, count);
        ConstRun sum = {nullptr, Elem::f32};
        if (add) sum = at(add->columns(col, count), 0);
        vec_.store_tile(out, kStrip, y.rows, count, run_at(part, 0), y.stride, alpha, sum, add ? add->stride : 0);
      }
    });
    column += piece.n;
  }
}

void CpuDevice::embed(const Tensor& y, const Weight& weight, const int32_t* ids) {
  const auto& w = static_cast<const CpuWeight&>(weight);
  pool_.ranges(y.rows, y.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; t++) {
      int64_t row = ids[t];
      const WeightBlock* block = w.blocks.data();
      while (row >= block->rows) row -= block++->rows;
      vec_.convert(run_at(y, t),
                   {static_cast<const char*>(block->data) + row * w.k * static_cast<int64_t>(size_of(block->dtype)),
                    elem(block->dtype)},
                   y.cols);
    }
  });
}

}  // namespace vq::cpu
