// The CUDA device: ops/ops.h on one NVIDIA GPU. Work is queued on one stream; copy_to_device_async() copies on another.
// The host waits only in download(), wait() and synchronize(). Element-wise kernels are in kernels.h, GEMMs in gemm.h,
// attention in attention/, graphs in graph.h.
//
// The device does not cast GEMM operands (Capabilities::casts_operands is false): both are of the weight's compute
// type.
#pragma once

#include <memory>
#include <vector>

#include "ops/cuda/attention/attention.h"
#include "ops/cuda/gemm.h"
#include "ops/cuda/graph.h"
#include "ops/cuda/memory_needs.h"
#include "ops/cuda/nccl.h"
#include "ops/cuda/quantized.h"
#include "ops/cuda/runtime.h"
#include "ops/cuda/staging.h"
#include "ops/device.h"

namespace vq::cuda {

// Owns a block of GPU memory.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(size_t bytes) : data_(bytes ? device_alloc(bytes) : nullptr), bytes_(bytes) {}
  ~DeviceBuffer() { device_free(data_); }
  DeviceBuffer(DeviceBuffer&& other) noexcept { *this = static_cast<DeviceBuffer&&>(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

class CudaEvent final : public Event {
 public:
  CudaEvent() : event(make_event()) {}
  ~CudaEvent() override { destroy(event); }
  const EventHandle event;
};

class CudaWeight final : public Weight {
 public:
  DType compute = DType::f32;
  std::vector<DeviceBuffer> memory;
  // The matrices for GEMMs, [rows, k] each, stacked; none if rows are only gathered. Plain weights: one matrix in the
  // GEMM type, used by both directions. Quantized weights: one per block.
  std::vector<WeightMatrix> matrices;
  Tensor gather;              // read by embed: rows in the file's type
  bool fp8_operands = false;  // WeightFormat::fp8_gemm; the matrices are slices of `codes`
  struct {
    const uint8_t* rows = nullptr;        // [n, k] codes
    const uint8_t* transposed = nullptr;  // [k, n] transposed codes, if fp8 GEMMs need them
    const float* scales = nullptr;        // [n]
  } codes;
};

class CudaDevice final : public Device {
 public:
  // tile_elements: of quantized matrices, dequantized at a time; tests use small tiles.
  explicit CudaDevice(int index, int64_t tile_elements = kTileElements);
  // Compares attention with and without wgmma on a window of so many rows, and uses wgmma from now on if they agree;
  // info() reports the outcome. Called when a GPU of capability 9.0 is opened.
  void try_wgmma(int32_t rows);
  ~CudaDevice() override;

  Capabilities capabilities() const override { return needs_->capabilities(); }
  WeightBytes weight_bytes(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                           WeightFormat format = WeightFormat::plain) const override {
    return needs_->weight_bytes(blocks, k, compute, uses, format);
  }
  size_t workspace_bytes(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) const override {
    return needs_->workspace_bytes(rows, n, k, shape);
  }
  size_t cast_workspace_bytes(int64_t rows, int64_t widest, WeightFormat format) const override {
    return needs_->cast_workspace_bytes(rows, widest, format);
  }
  size_t driver_bytes() const override { return needs_->driver_bytes(); }

  DeviceInfo info() const override;
  void* alloc(size_t bytes) override;
  void free(void* p) noexcept override;
  void* host_alloc(size_t bytes) override;
  void host_free(void* p) noexcept override;
  void upload(void* dst, const void* host, size_t bytes) override;
  void download(void* host, const void* src, size_t bytes) override;
  void copy(const Tensor& dst, const Tensor& src) override;
  void zero(const Tensor& t) override;
  void synchronize() override;
  void copy_to_device_async(void* dst, const void* host, size_t bytes, const Event& after) override;
  void copy_to_host_async(void* host, const void* src, size_t bytes) override;
  Event* make_event() override;
  void record(Event& event) override;
  void wait(const Event& event) override;
  void reserve_workspace(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) override;

  void reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format) override;
  Graph* make_graph() override;
  void replay(Graph& graph, const AttentionPlan& plan, const std::function<void()>& work) override;

  Weight* make_weight(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                      WeightFormat format = WeightFormat::plain) override;
  void tune_gemms(bool on) override { gemm_->try_algorithms(on); }
  std::vector<uint8_t> gemm_choices() const override { return gemm_->choices(); }
  void set_gemm_choices(std::span<const uint8_t> bytes) override { gemm_->set_choices(bytes); }
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
  void exchange(Comm& comm, std::span<const Transfer> sends, std::span<const Transfer> receives) override;
  void squares_of_parts(double* parts, const float* x, int64_t n) override;
  void fold(float* sum, const float* x, int64_t n, float factor) override;
  void accumulate_sum_of_squares(double* sum, const float* x, int64_t n) override;
  void accumulate_sum(double* sum, const float* x, int64_t n) override;
  void finish_grad_norm(GradNormState* state, double normalizer, double max_norm) override;
  void adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& how,
             const GradNormState* state) override;

 private:
  // The stream of the work; makes this GPU current for the calling thread, which need not be the one that opened it.
  Stream stream() const {
    use_gpu(index_);
    return stream_;
  }
  // Grows one of the device's own buffers; waits for queued work first.
  void grow(DeviceBuffer& buffer, size_t bytes);
  void fill(const Tensor& to, const WeightBlock& block);
  WeightMatrix quantized(CudaWeight& weight, const WeightBlock& block, WeightFormat format);
  void reserve_tile(const CudaWeight& weight);
  void linear_of(const Tensor& y, const Tensor& x, const CudaWeight& w, const Tensor* add);
  void linear_backward_of(const Tensor& dx, const Tensor& dy, const CudaWeight& w, bool accumulate);

  // fp8_linear.cpp
  void upload_codes(CudaWeight& weight, std::span<const WeightBlock> blocks, unsigned uses);
  // y = x matrix^T (+ add), where x is rounded to e4m3 after its columns are multiplied by `columns`, and matrix is
  // [y.cols, k] codes times their row scales. Null columns or scales: all 1. Returns false, and does nothing, if the
  // library has no kernel for it.
  bool multiply_codes(const Tensor& y, const Tensor& x, const float* columns, const uint8_t* matrix,
                      const float* scales, const Tensor* add);
  // body(first row, rows, rounded rows of x), in chunks of rows.
  template <class Body>
  void each_rounded(const Tensor& x, const float* columns, DType compute, Body&& body);
  void linear_rounded(const Tensor& y, const Tensor& x, const CudaWeight& w, const Tensor* add);
  void linear_backward_rounded(const Tensor& dx, const Tensor& dy, const CudaWeight& w, bool accumulate);

  // Slices of quantized matrices, dequantized; valid until the next call: rows of one matrix, columns of all.
  Tensor some_rows(const CudaWeight& w, const WeightMatrix& m, int64_t row, int64_t count);
  Tensor some_columns(const CudaWeight& w, int64_t col, int64_t count);

  int index_;
  Gpu gpu_;
  std::string instructions_;
  Stream stream_ = nullptr;
  Stream copies_ = nullptr;
  std::unique_ptr<CudaEvent> sent_;
  std::unique_ptr<Gemm> gemm_;
  std::unique_ptr<const CudaMemoryNeeds> needs_;
  std::unique_ptr<Staging> staging_;
  std::unique_ptr<Nccl> nccl_;  // from the first exchange on
  DeviceBuffer sum_parts_;
  Attention attention_;
  DeviceBuffer workspace_;  // for attention
  DeviceBuffer tile_;       // for dequantized tiles
  DeviceBuffer tables_;     // for NF4
  DeviceBuffer rounded_;    // for operands rounded to fp8
  DeviceBuffer sums_;       // for unscaled results of fp8 GEMMs
  DeviceBuffer ones_;       // as row scales
  uint64_t moves_ = 0;      // counts reallocations of these buffers, whose addresses are recorded in graphs
};

}  // namespace vq::cuda
