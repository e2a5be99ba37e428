// The contract between the model code (csrc/model) and a device (csrc/ops/cpu, csrc/ops/cuda).
//
// A device owns memory, does work in the order in which it is called (a stream), and hands results back only through
// download() and synchronize(): a call may return before its work is done. Pointers in Tensor are device addresses;
// only the device may dereference them. The CPU implementation is the specification of every op.
//
// Letters: T rows (tokens) of a packed batch, R target rows, C hidden size, F feed-forward size, V vocabulary,
//          H query heads, G key/value heads (G divides H), D head size, r adapter rank.
//
// Every op: shapes are checked by the caller; no op allocates device memory after reserve_workspace();
// sums run in fp32 whatever the storage type; the same call with the same number of threads gives the same bytes.
// Each activation operand of an op may be f32 or bf16 by itself, and a strided view: the residual stream and its
// gradient stay f32 (linear's y and add, rms_norm's x, rms_norm_backward's dx, linear_backward's dy) where the rest is
// bf16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace vq {

// A failure that a user can be told about: it crosses the C border as a code and this message.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// More memory is wanted than there is.
struct NoMemory : Error {
  using Error::Error;
};

enum class DType : uint8_t { f32, bf16, f16 };  // f16 occurs in weight files only

constexpr size_t size_of(DType t) { return t == DType::f32 ? 4 : 2; }

// A row-major matrix in device memory. Not an owner.
struct Tensor {
  void* data = nullptr;
  DType dtype = DType::f32;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;  // elements from one row to the next, >= cols

  bool empty() const { return data == nullptr; }
  // Columns [begin, begin + count) of every row.
  Tensor columns(int64_t begin, int64_t count) const { return {at(begin), dtype, rows, count, stride}; }
  // Rows [begin, begin + count).
  Tensor row_range(int64_t begin, int64_t count) const { return {at(begin * stride), dtype, count, cols, stride}; }

 private:
  // A tensor without data (of a plan) has parts without data.
  void* at(int64_t element) const {
    return data ? static_cast<char*>(data) + element * static_cast<int64_t>(size_of(dtype)) : nullptr;
  }
};

// Memory of a weight.
struct WeightBytes {
  size_t owned = 0;     // on the device
  size_t borrowed = 0;  // of the caller's data, in use as long as the weight lives
  size_t scratch = 0;   // on the device, shared by all weights: the largest counts
};

// How a frozen matrix is kept. A quantized one is the matrix of its dequantized values, defined here for each block of
// rows W [rows, K] of make_weight alone; every op on it is the op on that matrix. Products in bf16 may round the
// dequantized values to bf16 or not. Activations stay f32 or bf16.
//   plain  as the products want it
//   int8   LLM.int8's storage: code = round(w * (127 / m)) to nearest even, m = max |row|; value = code * (m / 127)
//   fp8    code = e4m3(w * (448 / m)) to nearest even, m = max |row|; value = code * (m / 448)
//   fp8_gemm  fp8, and what it is multiplied by is rounded to e4m3 as well, a row at a time, as the rows of W are:
//   x in
//          linear, and in linear_backward dy times the scales of the rows of W, so that what is summed over them are
//          codes alone: dx = rounded(dy * scales) codes. A row with an element that is not finite gives results that
//          are not
//   nf4    bitsandbytes' NF4 with double quantization. The elements in row-major order, in blocks of 64: code of w is
//          the nearest of the 16 of the table to w * (1 / m), m = max |block|, the lower one in a tie; two in a byte,
//          the first in the upper half. The m are kept in 8 bits: less their mean o, in blocks of 256, as the nearest
//          in the dynamic map to (m - o) * (1 / M), M = max |block|; value = table[code] * (map[code of m] * M + o)
enum class WeightFormat : uint8_t { plain, int8, nf4, fp8, fp8_gemm };
// What is stored of a matrix in this format.
constexpr WeightFormat stored_as(WeightFormat f) { return f == WeightFormat::fp8_gemm ? WeightFormat::fp8 : f; }

// A frozen matrix [N, K] of the base model in whatever layout the device multiplies fastest.
class Weight {
 public:
  virtual ~Weight() = default;
  int64_t n = 0;
  int64_t k = 0;
  WeightBytes bytes;  // what is borrowed must outlive the weight
};

// Rows of a weight as they lie in a file, row-major [rows, K], in host memory. A weight may be stacked of several (q, k
// and v; gate and up) so that one product serves all of them.
struct WeightBlock {
  const void* data;
  DType dtype;
  int64_t rows;
};

// What a weight will be used for; the device prepares only that. use_copy: the blocks' data do not outlive make_weight,
// so nothing may be borrowed.
enum WeightUse : unsigned { use_forward = 1, use_backward = 2, use_gather = 4, use_decode = 8, use_copy = 16 };

// Attention of a run of query rows over runs of key rows. Rows q_begin .. q_begin + q_count of Q see all keys of all
// ranges but the last, and of the last range the first (last_visible + i + 1) keys for the i-th query row.
// Training has one range a window; a decoding sequence that shares a prefix has two.
struct KeyRange {
  int32_t begin;
  int32_t count;
};
struct AttentionSegment {
  int32_t q_begin;
  int32_t q_count;
  int32_t first_range;  // into AttentionPlan::ranges
  int32_t range_count;
  // Keys of the last range visible to query row i of the segment: visible[q_begin + i].
};
struct AttentionPlan {
  std::span<const AttentionSegment> segments;  // host memory, read before the call returns
  std::span<const KeyRange> ranges;
  std::span<const int32_t> visible;  // one for each query row, counted in the last range of its segment
};

struct AttentionShape {
  int heads;     // H
  int kv_heads;  // G
  int head_dim;  // D
  float scale;   // 1 / sqrt(D)
};

// Selects a dropout mask: element i of a tensor is kept when the counter-based generator keyed by (seed, stream) gives
// at position i (row * cols + col) at least p. The mask depends on nothing else.
struct DropoutKey {
  uint64_t seed;
  uint64_t stream;
  float p;  // 0 keeps everything
};

// Dropout as a part of the op beside it. Forward: x = dropout(y) is written too; y may be empty where nobody else wants
// it. Backward: dropout(x) is added to dy before it is used, and what then is in dy's memory is of no use.
struct FusedDropout {
  Tensor x = {};  // of the shape and type of y or dy; empty: no dropout
  DropoutKey key = {};
};

struct AdamW {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  int64_t step;  // from 1
};

// What an optimizer step comes to, on the device, so that nobody waits for it: its sums, zero when it begins, and what
// finish_grad_norm makes of them.
struct GradNormState {
  double loss;           // over its targets
  double squares;        // over the gradient's elements
  float gradient_scale;  // what the gradient is multiplied by: 1 / normalizer, times the clipping factor
  int32_t not_finite;    // loss or gradient is not: the update changes nothing
};

struct DeviceInfo {
  std::string name;          // "AMD EPYC"
  std::string instructions;  // what the GEMM uses for bf16 and f32: "amx", "avx512-bf16", "avx512", "avx2", "generic",
                             // "sm_86", "sm_90, wgmma" (see vq.h)
  int threads = 0;           // or multiprocessors
  bool fast_bf16 = false;    // bf16 products are faster than f32 ones here
  std::string gemm_library;  // library of products and card that gemm_choices() are for; empty: there is no choice
  uint64_t memory_total = 0;
  uint64_t memory_available = 0;
};

// A point in the order of a device's work.
class Event {
 public:
  virtual ~Event() = default;
};

// What a device knows of work that it does again and again: see Device::repeat.
class Graph {
 public:
  virtual ~Graph() = default;
};

// A token and its logit.
struct Candidate {
  int32_t id;
  float logit;
};

// The memory that weights and ops take on a device. It is computed without the device, so that the plan for a card that
// is not in this machine comes from the code that counts for one that is.
class MemoryNeeds {
 public:
  virtual ~MemoryNeeds() = default;
  // Whether the device has memory of its own (a card).
  virtual bool discrete_memory() const { return false; }
  // Whether GEMM operands may be of another type than the GEMM computes in, and are cast on the way. If not, the caller
  // casts them first, by copy(), and add, y and c have one type, which is f32 or that of the operands.
  virtual bool casts_operands() const = 0;
  // What make_weight takes; the blocks' data may be null.
  virtual WeightBytes weight_bytes(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                                   WeightFormat format = WeightFormat::plain) const = 0;
  // Workspace of ops on `rows` rows of the widest GEMM [n, k], see reserve_workspace().
  virtual size_t workspace_bytes(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) const = 0;
  // Workspace for casting GEMM operands, see reserve_cast_workspace().
  virtual size_t cast_workspace_bytes(int64_t rows, int64_t widest, WeightFormat format) const = 0;
  // What the driver and its libraries will take in addition, from now on.
  virtual size_t driver_bytes() const { return 0; }
};

class Device : public MemoryNeeds {
 public:
  virtual DeviceInfo info() const = 0;

  // Memory. ---------------------------------------------------------------------------------------------------------
  virtual void* alloc(size_t bytes) = 0;  // 64-byte aligned, zeroed; throws Error
  virtual void free(void* p) noexcept = 0;
  virtual void* host_alloc(size_t bytes) = 0;  // host memory that transfers fast
  virtual void host_free(void* p) noexcept = 0;
  virtual void upload(void* dst, const void* host, size_t bytes) = 0;
  virtual void download(void* host, const void* src, size_t bytes) = 0;  // synchronizes
  virtual void copy(const Tensor& dst, const Tensor& src) = 0;           // same shape; converts between types
  virtual void zero(const Tensor& t) = 0;
  virtual void synchronize() = 0;
  // Transfers that the host does not wait for; its memory is of host_alloc, and the work's until a mark set later is
  // reached. send() need not wait for the work queued before, beyond `after`: the last that uses dst. What is queued
  // from then on finds it there.
  virtual void copy_to_device_async(void* dst, const void* host, size_t bytes, const Event& after) = 0;
  virtual void copy_to_host_async(void* host, const void* src, size_t bytes) = 0;
  virtual Event* make_event() = 0;
  virtual void record(Event& event) = 0;      // is reached when all that was queued is done
  virtual void wait(const Event& event) = 0;  // until it is, at once if it was never set; any thread may
  // Workspace for the ops below, enough for `rows` rows of the widest GEMM [n, k]. Called before any op with such
  // operands; of several calls the largest counts.
  virtual void reserve_workspace(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) = 0;

  // Workspace for casting the inputs of GEMMs with weights of this format: `rows` rows of at most `widest` elements.
  // Called before any such GEMM.
  virtual void reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format) = 0;
  // Does work(), or without calling it the same ops as in an earlier call with the same recording, on the same tensors,
  // with what lies in them now: a device may record what work queues, to queue it at once. work calls the ops below and
  // nothing else, and may be called twice. Each of its calls of attention() has this plan: segments of one row each,
  // and as many of them every time.
  virtual Graph* make_graph() = 0;
  virtual void replay(Graph& graph, const AttentionPlan& plan, const std::function<void()>& work) = 0;

  // Products. -------------------------------------------------------------------------------------------------------
  // `compute` is the type of the operands of the product (f32, or bf16 with fp32 accumulation). See casts_operands().
  // A quantized weight cannot be gathered from and borrows nothing; it is made block by block, so that no other copy of
  // the matrix is in memory. Throws Error for elements that are not finite.
  virtual Weight* make_weight(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                              WeightFormat format = WeightFormat::plain) = 0;

  // A library may offer several algorithms for a product, each with an order of sums of its own. Which of them runs for
  // a shape is a choice that is kept as bytes, so that other runs make it too. While trials are on, products of shapes
  // without a choice are run by all and the fastest is chosen; what products give meanwhile is of no use.
  virtual void tune_gemms(bool /*on*/) {}
  virtual std::vector<uint8_t> gemm_choices() const { return {}; }
  virtual void set_gemm_choices(std::span<const uint8_t> /*bytes*/) { throw Error("there is nothing to choose here"); }

  // y[T, N] = x[T, K] W^T (+ add[T, N]); add may be y itself. T = 1 .. 8 runs at memory speed when W has use_decode.
  virtual void linear(const Tensor& y, const Tensor& x, const Weight& w, const Tensor* add) = 0;
  // dx[T, K] = dy[T, N] W (+ dx when accumulate).
  virtual void linear_backward(const Tensor& dx, const Tensor& dy, const Weight& w, bool accumulate) = 0;
  // c = alpha op(a) op(b) (+ c when accumulate); op transposes when its flag is set. Types may differ; the product is
  // done in `compute`.
  virtual void matmul(const Tensor& c, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                      float alpha, bool accumulate, DType compute) = 0;

  // y[T, C] = rows `ids` of the gatherable weight w [V, C]. ids: device memory, T int32.
  virtual void embed(const Tensor& y, const Weight& w, const int32_t* ids) = 0;

  // Normalization. --------------------------------------------------------------------------------------------------
  // y = x * rstd * w, rstd[t] = 1 / sqrt(mean(x[t]^2) + eps). w: C f32 on the device; rstd: T f32, kept for backward.
  virtual void rms_norm(const Tensor& y, float* rstd, const Tensor& x, const float* w, float eps,
                        const FusedDropout& fused = {}) = 0;
  // dx (+)= gradient of x through y. w is frozen. dx may alias dy when not accumulating.
  virtual void rms_norm_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd, const float* w,
                                 bool accumulate, const FusedDropout& fused = {}) = 0;
  // Per head: y = rope(rms_norm(x) * w, position). x, y [T, heads * D], w: D f32, rstd [T, heads] f32 kept for
  // backward. cos_sin: [max_position, D] f32, D/2 cosines then D/2 sines of each position; half-split (NeoX) rotation.
  virtual void head_norm_rope(const Tensor& y, float* rstd, const Tensor& x, const float* w, int head_dim, float eps,
                              const float* cos_sin, const int32_t* positions) = 0;
  // dx = gradient of x through y. dx may alias dy.
  virtual void head_norm_rope_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                                       const float* w, int head_dim, const float* cos_sin,
                                       const int32_t* positions) = 0;

  // Attention. ------------------------------------------------------------------------------------------------------
  // o[Tq, H*D] = softmax(scale q k^T, causal as in the plan) v. q [Tq, H*D], k and v [Tk, G*D] (strided views allowed).
  // lse[Tq, H] f32: log of the sum of exponentials, kept for backward; may be null.
  virtual void attention(const Tensor& o, float* lse, const Tensor& q, const Tensor& k, const Tensor& v,
                         const AttentionShape& shape, const AttentionPlan& plan) = 0;
  // dq, dk, dv are overwritten; key rows that no query sees get zero. `out` is o of the forward pass.
  // Plans for backward have one range a segment, and no key row belongs to two segments.
  virtual void attention_backward(const Tensor& dq, const Tensor& dk, const Tensor& dv, const Tensor& dout,
                                  const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out,
                                  const float* lse, const AttentionShape& shape, const AttentionPlan& plan) = 0;

  // Element-wise. ---------------------------------------------------------------------------------------------------
  // gate_up [T, 2F]: gate in the first F columns. y[T, F] = silu(gate) * up.
  virtual void swiglu(const Tensor& y, const Tensor& gate_up, const FusedDropout& fused = {}) = 0;
  // d_gate_up [T, 2F] from dy [T, F]; may alias gate_up.
  virtual void swiglu_backward(const Tensor& d_gate_up, const Tensor& dy, const Tensor& gate_up,
                               const FusedDropout& fused = {}) = 0;
  // y = x * mask / (1 - p) (+ y when accumulate); y may alias x. The forward pass and the backward pass are the same
  // op.
  virtual void dropout(const Tensor& y, const Tensor& x, const DropoutKey& key, bool accumulate) = 0;
  virtual void add(const Tensor& y, const Tensor& a, const Tensor& b) = 0;  // y = a + b; y may alias either
  // y[i] = x[rows[i]]; rows: device memory.
  virtual void gather_rows(const Tensor& y, const Tensor& x, const int32_t* rows) = 0;
  // y[rows[i]] = x[i]; a row may occur once only.
  virtual void scatter_rows(const Tensor& y, const Tensor& x, const int32_t* rows) = 0;
  // y[rows[i]] += x[i]; a row may occur once only.
  virtual void scatter_add_rows(const Tensor& y, const Tensor& x, const int32_t* rows) = 0;

  // Loss. -----------------------------------------------------------------------------------------------------------
  // logits [R, V] f32. loss[i] = weight[i] * (log sum exp - logit of label[i]); logits become
  // weight[i] * (softmax - onehot) when `gradient`, else they are left as they are. All pointers on the device.
  virtual void cross_entropy(float* loss, const Tensor& logits, const int32_t* labels, const float* weights,
                             bool gradient) = 0;
  // log_prob[i] = logit of label[i] - log sum exp; argmax[i] = smallest index of the largest logit.
  virtual void score_rows(float* log_prob, int32_t* argmax, const Tensor& logits, const int32_t* labels) = 0;

  // Of each row of logits [R, V] the tokens that may be drawn: those allowed, at least as likely as the likeliest of
  // them plus below[i] <= 0. out [R, most + 1]: first their number (as id), of which there may be more than most, then
  // the tokens by rising id. allowed: bit i % 32 of word i / 32 for id i, [R, (V + 31) / 32], or null: all. NaN is
  // none. All pointers on the device.
  virtual void select_candidates(Candidate* out, int32_t most, const Tensor& logits, const uint32_t* allowed,
                                 const double* below) = 0;

  // Optimizer (f32 vectors of n elements). ----------------------------------------------------------------------------
  // *sum += the sum over n elements.
  virtual void accumulate_sum(double* sum, const float* x, int64_t n) = 0;
  // Sum of squares over n elements, added to *sum (double on the device) in an order that depends on n alone.
  virtual void accumulate_sum_of_squares(double* sum, const float* x, int64_t n) = 0;
  // From the sums of a step: the norm is sqrt(squares) / normalizer, and is clipped to max_norm by a factor of
  // min(1, max_norm / (norm + 1e-6)), or by none when that is 0.
  virtual void finish_grad_norm(GradNormState* state, double normalizer, double max_norm) = 0;
  // Nothing when the state is not finite. m and v may lie in memory of host_alloc.
  // torch.optim.AdamW: p *= 1 - lr * wd; m, v moments; p -= lr * mhat / (sqrt(vhat) + eps). g is read, not zeroed.
  virtual void adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& how,
                     const GradNormState* state) = 0;
};

// Opens the CPU with this many threads (0: as many as the process may run on). Throws Error.
Device* open_cpu(int threads);

}  // namespace vq
