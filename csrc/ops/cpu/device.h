// The CPU device: see ops/ops.h for what each op does. GEMMs are in gemm.cpp, attention in attention_*.cpp.
#pragma once

#include <vector>

#include "ops/cpu/gemm.h"
#include "ops/cpu/quantized.h"
#include "ops/device.h"

namespace vq::cpu {

static_assert(static_cast<int>(Elem::f32) == static_cast<int>(DType::f32) &&
              static_cast<int>(Elem::bf16) == static_cast<int>(DType::bf16) &&
              static_cast<int>(Elem::f16) == static_cast<int>(DType::f16));

constexpr Elem elem(DType t) { return static_cast<Elem>(t); }

// Row r of a tensor.
inline Run run_at(const Tensor& t, int64_t row) {
  return {static_cast<char*>(t.data) + row * t.stride * static_cast<int64_t>(size_of(t.dtype)), elem(t.dtype)};
}
inline ConstRun at(const Tensor& t, int64_t row) {
  const Run r = run_at(t, row);
  return {r.data, r.type};
}

// Up to this many rows, a matrix is read in place, at memory bandwidth.
constexpr int64_t kSkinnyRows = 8;

class CpuWeight final : public Weight {
 public:
  std::vector<WeightBlock> blocks;  // as in the file; empty if only packed panels are kept
  DType compute;
  Buffer copy;               // owns the blocks' data if it is not borrowed, or their codes
  Buffer forward, backward;  // panels of W as b[N, K] and of its transpose, when packed
  std::vector<WeightSlice> forward_pieces, backward_pieces;
  std::vector<QuantizedMatrix> quantized;  // one per block, in copy; if set, nothing else is stored
  bool fp8_operands = false;               // WeightFormat::fp8_gemm
};

class CpuDevice final : public Device {
 public:
  // worth_sharing: see Pool.
  CpuDevice(const IsaKernels& kernels, int threads, int64_t worth_sharing = Pool::kWorthSharing);

  DeviceInfo info() const override;
  Capabilities capabilities() const override {
    return {.casts_operands = true, .quantized_weights = true, .fp8_gemm = true};
  }
  void* alloc(size_t bytes) override { return allocate(bytes); }
  void free(void* p) noexcept override { release(p); }
  void* host_alloc(size_t bytes) override { return allocate(bytes); }
  void host_free(void* p) noexcept override { release(p); }
  void upload(void* dst, const void* host, size_t bytes) override;
  void download(void* host, const void* src, size_t bytes) override;
  void copy(const Tensor& dst, const Tensor& src) override;
  void zero(const Tensor& t) override;
  void synchronize() override {}
  size_t workspace_bytes(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) const override;
  void reserve_workspace(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) override;

  size_t cast_workspace_bytes(int64_t rows, int64_t widest, WeightFormat format) const override;
  void reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format) override;

  Weight* make_weight(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                      WeightFormat format = WeightFormat::plain) override;
  WeightBytes weight_bytes(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                           WeightFormat format = WeightFormat::plain) const override;
  void linear(const Tensor& y, const Tensor& x, const Weight& w, const Tensor* add) override;
  void linear_backward(const Tensor& dx, const Tensor& dy, const Weight& w, bool accumulate) override;
  void matmul(const Tensor& c, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, float alpha,
              bool accumulate, DType compute) override;
  void embed(const Tensor& y, const Weight& w, const int32_t* ids) override;

  void rms_norm(const Tensor& y, float* rstd, const Tensor& x, const float* w, float eps,
                const FusedDropout& fused = {}) override;
  void rms_norm_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd, const float* w,
                         bool accumulate, const FusedDropout& fused = {}, const Tensor& cast = {}) override;
  void head_norm_rope(const Tensor& y, float* rstd, const Tensor& x, const float* w, int head_dim, float eps,
                      const float* cos_sin, const int32_t* positions) override;
  void head_norm_rope_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd, const float* w,
                               int head_dim, const float* cos_sin, const int32_t* positions) override;

  void attention(const Tensor& o, float* lse, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionShape& shape, const AttentionPlan& plan) override;
  void attention_backward(const Tensor& dq, const Tensor& dk, const Tensor& dv, const Tensor& dout, const Tensor& q,
                          const Tensor& k, const Tensor& v, const Tensor& out, const float* lse,
                          const AttentionShape& shape, const AttentionPlan& plan) override;

  void swiglu(const Tensor& y, const Tensor& gate_up, const FusedDropout& fused = {}) override;
  void swiglu_backward(const Tensor& d_gate_up, const Tensor& dy, const Tensor& gate_up,
                       const FusedDropout& fused = {}) override;
  void dropout(const Tensor& y, const Tensor& x, const DropoutKey& key, bool accumulate) override;
  void add(const Tensor& y, const Tensor& a, const Tensor& b) override;
  void gather_rows(const Tensor& y, const Tensor& x, const int32_t* rows) override;
  void scatter_rows(const Tensor& y, const Tensor& x, const int32_t* rows) override;
  void scatter_add_rows(const Tensor& y, const Tensor& x, const int32_t* rows) override;

  void cross_entropy(float* loss, const Tensor& logits, const int32_t* labels, const float* weights,
                     bool gradient) override;
  void score_rows(float* log_prob, int32_t* argmax, const Tensor& logits, const int32_t* labels) override;

  void select_candidates(Candidate* out, int32_t most, const Tensor& logits, const uint32_t* allowed,
                         const double* below) override;
  void accumulate_sum_of_squares(double* sum, const float* x, int64_t n) override;
  void squares_of_parts(double* parts, const float* x, int64_t n) override;
  void fold(float* sum, const float* x, int64_t n, float factor) override;
  void accumulate_sum(double* sum, const float* x, int64_t n) override;
  void finish_grad_norm(GradNormState* state, double normalizer, double max_norm) override;
  void adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& how,
             const GradNormState* state) override;

  const PanelKernel& panels(DType compute) const { return compute == DType::bf16 ? isa_.bf16 : isa_.f32; }

 private:
  bool packs_weights(DType compute) const { return compute == DType::bf16 && isa_.bf16.packed == Elem::bf16; }
  Weight* make_quantized(std::span<const WeightBlock> blocks, int64_t k, DType compute, WeightFormat format);
  // x with its rows rounded to e4m3, in the GEMM type; scaled: its columns are multiplied by the scales of the rows of
  // w first. Valid until the next call.
  Tensor rounded_to_fp8(const Tensor& x, const CpuWeight& w, bool scaled);
  // Rows of x as f32 (rounded to bf16 first) in the workspace, x_stride elements apart.
  float* rows_in_f32(Arena& arena, const Tensor& x, bool round, int64_t& x_stride) const;
  uint16_t* rows_in_bf16(Arena& arena, const Tensor& x, int64_t& x_stride) const;
  // y[T, N] = x b^T for T <= kSkinnyRows, reading b in place.
  void skinny_gemm_quantized(const Tensor& y, const Tensor& x, const CpuWeight& w, const Tensor* add);
  void skinny_gemm(const Tensor& y, const Tensor& x, std::span<const WeightSlice> b, float alpha, const Tensor* add,
                   bool round);

  const IsaKernels& isa_;
  const VectorKernels& vec_;
  mutable Pool pool_;
  Buffer workspace_;
  Buffer rounded_;
};

// Scratch bytes of attention for up to `rows` query and key rows.
size_t attention_workspace(const IsaKernels& isa, int threads, int64_t rows, const AttentionShape& shape);

}  // namespace vq::cpu
