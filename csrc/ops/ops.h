// What a device computes: every op of a Qwen3 transformer with LoRA, forward and backward. device.h is the rest of the
// contract: memory, transfers, order of work.
//
// The CPU implementation is the specification of every op; tests/backend compares any device with it. docs/backends.md
// says in which order to port them.
//
// Letters: T rows (tokens) of a packed batch, R rows with a label, C hidden size, F feed-forward size, V vocabulary,
//          H query heads, G key/value heads (G divides H), D head size, r adapter rank.
//
// For every op:
//   - The caller checks shapes. No op allocates device memory once its workspace is reserved (device.h).
//   - Sums run in f32 whatever the storage type, with one exception: linear with a weight of fp8_gemm may use tensor
//     cores that keep only some 14 bits of a partial sum; its backward pass may not. The same call on the same device
//     gives the same bytes.
//   - Each activation may be f32 or bf16, and a strided view. The residual stream and its gradient stay f32 when the
//     rest is bf16: linear's y and add, rms_norm's x, rms_norm_backward's dx, linear_backward's dy.
//   - bf16 results are rounded to nearest even; NaN stays NaN.
#pragma once

#include <cmath>
#include <span>

#include "ops/adamw_step.h"
#include "ops/dropout_mask.h"
#include "ops/memory_needs.h"
#include "ops/tensor.h"
#include "ops/weight.h"

namespace vq {

// Attention of segments of query rows over ranges of key rows. Query rows q_begin .. q_begin + q_count of a segment see
// all keys of all of its ranges except the last. Of the last range, query row t sees the first visible[t] keys.
// In training a segment is a window and has one range; a decoding sequence that shares a prefix has two.
struct KeyRange {
  int32_t begin;
  int32_t count;
};
struct AttentionSegment {
  int32_t q_begin;
  int32_t q_count;
  int32_t first_range;  // into AttentionPlan::ranges
  int32_t range_count;
};
struct AttentionPlan {
  std::span<const AttentionSegment> segments;  // host memory, read before the call returns
  std::span<const KeyRange> ranges;
  std::span<const int32_t> visible;  // one per query row
};

// Dropout fused into a neighboring op. Forward: x = dropout(y) is written too; y may be empty if only x is wanted.
// Backward: dropout(x) is added to dy before dy is used; the memory of dy is scratch afterwards.
struct FusedDropout {
  Tensor x = {};  // same shape and type as y or dy; empty: no dropout
  DropoutKey key = {};
};

// A token and its logit.
struct Candidate {
  int32_t id;
  float logit;
};

struct AdamW {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  int64_t step;  // from 1
};

inline AdamWStep adamw_step(const AdamW& how) {
  const double bias1 = 1 - std::pow(double{how.beta1}, static_cast<double>(how.step));
  const double bias2 = 1 - std::pow(double{how.beta2}, static_cast<double>(how.step));
  return {.decay = static_cast<float>(1 - double{how.learning_rate} * how.weight_decay),
          .beta1 = how.beta1,
          .beta2 = how.beta2,
          .step_size = static_cast<float>(how.learning_rate / bias1),
          .root_scale = static_cast<float>(1 / std::sqrt(bias2)),
          .epsilon = how.epsilon};
}

// The sums of an optimizer step, on the device so that nothing waits for them: zeroed when a step begins, accumulated
// by accumulate_sum and accumulate_sum_of_squares, completed by finish_grad_norm, read by adamw.
struct GradNormState {
  double loss;           // sum over the labels
  double squares;        // sum of the squared elements of the gradient
  float gradient_scale;  // factor for the gradient: 1 / normalizer, times the clipping factor
  int32_t not_finite;    // the loss or the gradient is not finite: the update changes nothing
};

class Ops {
 public:
  virtual ~Ops() = default;

  // Weights and GEMMs. `compute` is the type of the operands of a GEMM: f32, or bf16 with f32 accumulation. Unless the
  // device casts operands (Capabilities), the caller passes operands of that type, and add, y and c are all
  // f32 or all of that type. -----------------------------------------------------------------------------------------
  // A quantized weight cannot be gathered from and borrows nothing. It is quantized block by block, so that no second
  // copy of the matrix is in memory. Throws Error if an element is not finite, or if the device lacks the format
  // (Capabilities).
  virtual Weight* make_weight(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                              WeightFormat format = WeightFormat::plain) = 0;
  // y[T, N] = x[T, K] W^T (+ add[T, N]); add may be y itself. T = 1 .. 8 runs at memory speed if W has use_decode.
  virtual void linear(const Tensor& y, const Tensor& x, const Weight& w, const Tensor* add) = 0;
  // dx[T, K] = dy[T, N] W (+ dx if accumulate).
  virtual void linear_backward(const Tensor& dx, const Tensor& dy, const Weight& w, bool accumulate) = 0;
  // c = alpha op(a) op(b) (+ c if accumulate); op transposes if its flag is set. The types of a, b and c may differ.
  virtual void matmul(const Tensor& c, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                      float alpha, bool accumulate, DType compute) = 0;
  // y[T, C] = rows `ids` of the weight w [V, C], which has use_gather. ids: T int32 in device memory.
  virtual void embed(const Tensor& y, const Weight& w, const int32_t* ids) = 0;

  // Normalization. ---------------------------------------------------------------------------------------------------
  // y = x * rstd * w, rstd[t] = 1 / sqrt(mean(x[t]^2) + eps). w: C f32 on the device; rstd: T f32, kept for backward;
  // may be null.
  virtual void rms_norm(const Tensor& y, float* rstd, const Tensor& x, const float* w, float eps,
                        const FusedDropout& fused = {}) = 0;
  // dx (+)= gradient of x through y. w is frozen. dx may alias dy unless accumulating. cast: dx once more, in another
  // type; may be empty.
  virtual void rms_norm_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd, const float* w,
                                 bool accumulate, const FusedDropout& fused = {}, const Tensor& cast = {}) = 0;
  // Per head: y = rope(rms_norm(x) * w, position). x, y [T, heads * D], w: D f32, rstd [T, heads] f32, kept for
  // backward. cos_sin: [max_position, D] f32, D/2 cosines then D/2 sines per position; half-split (NeoX) rotation.
  virtual void head_norm_rope(const Tensor& y, float* rstd, const Tensor& x, const float* w, int head_dim, float eps,
                              const float* cos_sin, const int32_t* positions) = 0;
  // dx = gradient of x through y. dx may alias dy.
  virtual void head_norm_rope_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                                       const float* w, int head_dim, const float* cos_sin,
                                       const int32_t* positions) = 0;

  // Attention. -------------------------------------------------------------------------------------------------------
  // o[Tq, H*D] = softmax(scale q k^T, masked as the plan says) v. q [Tq, H*D], k and v [Tk, G*D] (strided views
  // allowed). lse[Tq, H] f32: log of the sum of exponentials, kept for backward; may be null.
  virtual void attention(const Tensor& o, float* lse, const Tensor& q, const Tensor& k, const Tensor& v,
                         const AttentionShape& shape, const AttentionPlan& plan) = 0;
  // dq, dk and dv are overwritten; key rows that no query sees get zero. `out` is o of the forward pass.
  // In plans for backward each segment has one range, and no key row belongs to two segments.
  virtual void attention_backward(const Tensor& dq, const Tensor& dk, const Tensor& dv, const Tensor& dout,
                                  const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out,
                                  const float* lse, const AttentionShape& shape, const AttentionPlan& plan) = 0;

  // Element-wise. ----------------------------------------------------------------------------------------------------
  // gate_up [T, 2F]: gate in the first F columns. y[T, F] = silu(gate) * up.
  virtual void swiglu(const Tensor& y, const Tensor& gate_up, const FusedDropout& fused = {}) = 0;
  // d_gate_up [T, 2F] from dy [T, F]; may alias gate_up.
  virtual void swiglu_backward(const Tensor& d_gate_up, const Tensor& dy, const Tensor& gate_up,
                               const FusedDropout& fused = {}) = 0;
  // y = x * mask / (1 - p) (+ y if accumulate); y may alias x. Forward and backward are the same op.
  virtual void dropout(const Tensor& y, const Tensor& x, const DropoutKey& key, bool accumulate) = 0;
  virtual void add(const Tensor& y, const Tensor& a, const Tensor& b) = 0;  // y = a + b; y may alias either
  // y[i] = x[rows[i]]; rows: device memory.
  virtual void gather_rows(const Tensor& y, const Tensor& x, const int32_t* rows) = 0;
  // y[rows[i]] = x[i]; a row may occur only once.
  virtual void scatter_rows(const Tensor& y, const Tensor& x, const int32_t* rows) = 0;
  // y[rows[i]] += x[i]; a row may occur only once.
  virtual void scatter_add_rows(const Tensor& y, const Tensor& x, const int32_t* rows) = 0;

  // Loss and sampling. All pointers on the device. --------------------------------------------------------------------
  // logits [R, V] f32. loss[i] = weight[i] * (log sum exp - logit of label[i]). If `gradient`, logits become
  // weight[i] * (softmax - onehot); else they are unchanged.
  virtual void cross_entropy(float* loss, const Tensor& logits, const int32_t* labels, const float* weights,
                             bool gradient) = 0;
  // log_prob[i] = logit of label[i] - log sum exp; argmax[i] = smallest index of the largest logit.
  virtual void score_rows(float* log_prob, int32_t* argmax, const Tensor& logits, const int32_t* labels) = 0;
  // For each row of logits [R, V] the candidates for sampling: allowed tokens whose logit is at least the largest
  // allowed one plus below[i] <= 0. out [R, most + 1]: first their number (as id), which may exceed most, then the
  // tokens in ascending order of ids. allowed: bit i % 32 of word i / 32 for id i, [R, (V + 31) / 32]; null: all
  // tokens. A NaN logit is never a candidate.
  virtual void select_candidates(Candidate* out, int32_t most, const Tensor& logits, const uint32_t* allowed,
                                 const double* below) = 0;

  // Optimizer, on f32 vectors of n elements. -------------------------------------------------------------------------
  // *sum += sum of x.
  virtual void accumulate_sum(double* sum, const float* x, int64_t n) = 0;
  // *sum += sum of x^2, in an order that depends only on n.
  virtual void accumulate_sum_of_squares(double* sum, const float* x, int64_t n) = 0;
  // Optional, for training in several processes: the sums of x^2 of each kSquaresPart elements. Added one after the
  // other, they are the sum of accumulate_sum_of_squares.
  virtual void squares_of_parts(double* /*parts*/, const float* /*x*/, int64_t /*n*/) { no_processes(); }
  // Optional, likewise: sum += factor * x, with the same bytes as a matmul that accumulates with alpha = factor, where
  // x is what it gives without accumulating and with alpha = 1.
  virtual void fold(float* /*sum*/, const float* /*x*/, int64_t /*n*/, float /*factor*/) { no_processes(); }
  // Computes the gradient norm, sqrt(squares) / normalizer, and from it the scale of the gradient. The norm is clipped
  // to max_norm by the factor min(1, max_norm / (norm + 1e-6)); max_norm 0: no clipping.
  virtual void finish_grad_norm(GradNormState* state, double normalizer, double max_norm) = 0;
  // torch.optim.AdamW: p *= 1 - lr * wd; m, v moments; p -= lr * mhat / (sqrt(vhat) + eps). g is read, not zeroed. Does
  // nothing if the state is not finite. m and v may be in memory of host_alloc.
  virtual void adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& how,
                     const GradNormState* state) = 0;

 private:
  [[noreturn]] static void no_processes() { throw Error("this device cannot train in several processes"); }
};

// Elements of a vector whose squares are summed together: see squares_of_parts.
constexpr int64_t kSquaresPart = 65536;

}  // namespace vq
