#include "ops/cuda/device.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "ops/cuda/attention/check.h"
#include "ops/cuda/kernels.h"

namespace vq::cuda {
namespace {

constexpr int kNeededMajor = 8;  // bf16 on tensor cores, asynchronous copies

std::string architecture(const Gpu& c) { return "sm_" + std::to_string(c.major * 10 + c.minor); }
std::string capability(const Gpu& c) { return std::to_string(c.major) + "." + std::to_string(c.minor); }

}  // namespace

CudaDevice::CudaDevice(int index, int64_t tile_elements)
    : index_(index),
      gpu_(find_gpu(index)),
      attention_(attention_gpu(gpu_), [this](void* to, const void* host, size_t bytes) { upload(to, host, bytes); }) {
  if (gpu_.major < kNeededMajor) {
    throw Error("GPU " + std::to_string(index) + " (" + gpu_.name + ") has compute capability " + capability(gpu_) +
                " and no bf16: 8.0 or newer is needed (Ampere: A100, RTX 30, or later)");
  }
  use_gpu(index);
  stream_ = make_stream();
  copies_ = make_stream();
  sent_ = std::make_unique<CudaEvent>();
  staging_ = std::make_unique<Staging>(stream_);
  gemm_ = std::make_unique<Gemm>(make_gemm_library(gpu_), gpu_.cache_bytes);
  gemm_->find_fp8_gemms(stream_);
  needs_ = std::make_unique<CudaMemoryNeeds>(gpu_.multiprocessors, gemm_->fp8_gemms(), kLateDriverBytes, tile_elements);
  sum_parts_ = DeviceBuffer(kSumParts * sizeof(double));
  instructions_ = architecture(gpu_);
  const char* wgmma = std::getenv("VQ_WGMMA");
  if (gpu_.major == 9 && gpu_.minor == 0 && !(wgmma && !std::strcmp(wgmma, "0"))) try_wgmma(kOpeningRows);
}

void CudaDevice::try_wgmma(int32_t rows) {
  try {
    const std::string differs = different_with_wgmma(*this, stream_, attention_gpu(gpu_), rows);
    instructions_ = architecture(gpu_) + (differs.empty() ? ", wgmma" : ", wgmma wrong in " + differs);
    if (differs.empty()) attention_.use_wgmma();
  } catch (const NoMemory&) {
    throw;
  } catch (const Error& e) {
    throw Error(std::string("the attention kernels failed on a small problem: ") + e.what() +
                "; set VQ_WGMMA=0 in the environment to run without the wgmma kernels");
  }
}

CudaDevice::~CudaDevice() {
  nccl_.reset();
  staging_.reset();
  gemm_.reset();
  sent_.reset();
  if (copies_) destroy(copies_);
  if (stream_) destroy(stream_);
}

DeviceInfo CudaDevice::info() const {
  use_gpu(index_);
  DeviceInfo info;
  info.name = gpu_.name;
  info.instructions = instructions_;
  info.threads = gpu_.multiprocessors;
  info.fast_bf16 = true;
  info.gemm_library = gemm_->identity();
  info.memory_total = gpu_.memory_total;
  info.memory_available = vq::cuda::memory_available();
  info.unaligned_gemms = gemm_->unaligned();
  return info;
}

void* CudaDevice::alloc(size_t bytes) {
  const Stream s = stream();
  void* p = device_alloc(bytes);
  fill_zero(p, bytes, bytes, 1, s);
  return p;
}

void CudaDevice::free(void* p) noexcept {
  if (!p) return;
  try {
    synchronize();  // queued work may still use it
  } catch (const Error&) {
    // A failed GPU does no more work, and the call that waited for its result has already thrown.
  }
  device_free(p);
}

void* CudaDevice::host_alloc(size_t bytes) {
  use_gpu(index_);
  void* p = pinned_alloc(bytes);
  std::fill_n(static_cast<char*>(p), bytes, 0);
  return p;
}

void CudaDevice::host_free(void* p) noexcept {
  if (p) pinned_free(p);
}

void CudaDevice::upload(void* dst, const void* host, size_t bytes) {
  stream();
  staging_->upload(dst, host, bytes);
}

void CudaDevice::download(void* host, const void* src, size_t bytes) {
  stream();
  staging_->download(host, src, bytes);
}

void CudaDevice::copy(const Tensor& dst, const Tensor& src) { copy_rows(stream(), dst, src); }

void CudaDevice::zero(const Tensor& t) {
  if (t.rows == 0 || t.cols == 0) return;
  const size_t size = size_of(t.dtype);
  fill_zero(t.data, static_cast<size_t>(t.stride) * size, static_cast<size_t>(t.cols) * size,
            static_cast<size_t>(t.rows), stream());
}

void CudaDevice::reserve_workspace(int64_t rows, int64_t, int64_t, const AttentionShape& shape) {
  const size_t bytes = attention_.grown_bytes(rows, shape);
  if (bytes > workspace_.bytes()) grow(workspace_, bytes);
  attention_.set_workspace(workspace_.data(), rows, shape);
  moves_++;
}

void CudaDevice::grow(DeviceBuffer& buffer, size_t bytes) {
  DeviceBuffer larger(bytes);  // if this throws, the old buffer is kept
  synchronize();
  buffer = std::move(larger);
  moves_++;
}

Graph* CudaDevice::make_graph() { return new CudaGraph(stream()); }

void CudaDevice::replay(Graph& graph, const AttentionPlan& plan, const std::function<void()>& work) {
  stream();
  static_cast<CudaGraph&>(graph).run(attention_, plan, moves_, work);
}

void CudaDevice::attention(const Tensor& o, float* lse, const Tensor& q, const Tensor& k, const Tensor& v,
                           const AttentionShape& shape, const AttentionPlan& plan) {
  attention_.forward(stream(), o, lse, q, k, v, shape, plan);
}

void CudaDevice::attention_backward(const Tensor& dq, const Tensor& dk, const Tensor& dv, const Tensor& dout,
                                    const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out,
                                    const float* lse, const AttentionShape& shape, const AttentionPlan& plan) {
  attention_.backward(stream(), dq, dk, dv, dout, q, k, v, out, lse, shape, plan);
}

void CudaDevice::synchronize() { vq::cuda::synchronize(stream()); }

void CudaDevice::copy_to_device_async(void* dst, const void* host, size_t bytes, const Event& after) {
  const Stream work = stream();
  vq::cuda::wait(copies_, static_cast<const CudaEvent&>(after).event);
  copy_to_device(dst, host, bytes, copies_);
  vq::cuda::record(sent_->event, copies_);
  vq::cuda::wait(work, sent_->event);
}

void CudaDevice::copy_to_host_async(void* host, const void* src, size_t bytes) {
  copy_to_host(host, src, bytes, stream());
}

Event* CudaDevice::make_event() {
  stream();
  return new CudaEvent;
}

void CudaDevice::record(Event& event) { vq::cuda::record(static_cast<CudaEvent&>(event).event, stream()); }

void CudaDevice::wait(const Event& event) {
  stream();
  wait_on_host(static_cast<const CudaEvent&>(event).event);
}

void CudaDevice::embed(const Tensor& y, const Weight& w, const int32_t* ids) {
  vq::cuda::gather_rows(stream(), y, static_cast<const CudaWeight&>(w).gather, ids);
}

void CudaDevice::rms_norm(const Tensor& y, float* rstd, const Tensor& x, const float* w, float eps,
                          const FusedDropout& fused) {
  vq::cuda::rms_norm(stream(), y, rstd, x, w, eps, fused);
}

void CudaDevice::rms_norm_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                                   const float* w, bool accumulate, const FusedDropout& fused, const Tensor& cast) {
  vq::cuda::rms_norm_backward(stream(), dx, dy, x, rstd, w, accumulate, fused, cast);
}

void CudaDevice::head_norm_rope(const Tensor& y, float* rstd, const Tensor& x, const float* w, int head_dim, float eps,
                                const float* cos_sin, const int32_t* positions) {
  vq::cuda::head_norm_rope(stream(), y, rstd, x, w, head_dim, eps, cos_sin, positions);
}

void CudaDevice::head_norm_rope_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                                         const float* w, int head_dim, const float* cos_sin, const int32_t* positions) {
  vq::cuda::head_norm_rope_backward(stream(), dx, dy, x, rstd, w, head_dim, cos_sin, positions);
}

void CudaDevice::swiglu(const Tensor& y, const Tensor& gate_up, const FusedDropout& fused) {
  vq::cuda::swiglu(stream(), y, gate_up, fused);
}

void CudaDevice::swiglu_backward(const Tensor& d_gate_up, const Tensor& dy, const Tensor& gate_up,
                                 const FusedDropout& fused) {
  vq::cuda::swiglu_backward(stream(), d_gate_up, dy, gate_up, fused);
}

void CudaDevice::dropout(const Tensor& y, const Tensor& x, const DropoutKey& key, bool accumulate) {
  vq::cuda::dropout(stream(), y, x, key, accumulate);
}

void CudaDevice::add(const Tensor& y, const Tensor& a, const Tensor& b) { vq::cuda::add(stream(), y, a, b); }

void CudaDevice::gather_rows(const Tensor& y, const Tensor& x, const int32_t* rows) {
  vq::cuda::gather_rows(stream(), y, x, rows);
}

void CudaDevice::scatter_rows(const Tensor& y, const Tensor& x, const int32_t* rows) {
  vq::cuda::scatter_rows(stream(), y, x, rows);
}

void CudaDevice::scatter_add_rows(const Tensor& y, const Tensor& x, const int32_t* rows) {
  vq::cuda::scatter_add_rows(stream(), y, x, rows);
}

void CudaDevice::cross_entropy(float* loss, const Tensor& logits, const int32_t* labels, const float* weights,
                               bool gradient) {
  vq::cuda::cross_entropy(stream(), loss, logits, labels, weights, gradient);
}

void CudaDevice::score_rows(float* log_prob, int32_t* argmax, const Tensor& logits, const int32_t* labels) {
  vq::cuda::score_rows(stream(), log_prob, argmax, logits, labels);
}

void CudaDevice::select_candidates(Candidate* out, int32_t most, const Tensor& logits, const uint32_t* allowed,
                                   const double* below) {
  vq::cuda::select_candidates(stream(), out, most, logits, allowed, below);
}

void CudaDevice::exchange(Comm& comm, std::span<const Transfer> sends, std::span<const Transfer> receives) {
  const Stream queue = stream();
  if (!nccl_) nccl_ = std::make_unique<Nccl>(comm);
  nccl_->exchange(sends, receives, queue);
}

void CudaDevice::squares_of_parts(double* parts, const float* x, int64_t n) {
  vq::cuda::squares_of_parts(stream(), parts, x, n);
}

void CudaDevice::fold(float* sum, const float* x, int64_t n, float factor) {
  vq::cuda::fold(stream(), sum, x, n, factor);
}

void CudaDevice::accumulate_sum_of_squares(double* sum, const float* x, int64_t n) {
  vq::cuda::accumulate_sum_of_squares(stream(), sum, static_cast<double*>(sum_parts_.data()), x, n);
}

void CudaDevice::accumulate_sum(double* sum, const float* x, int64_t n) {
  vq::cuda::accumulate_sum(stream(), sum, x, n);
}

void CudaDevice::finish_grad_norm(GradNormState* state, double normalizer, double max_norm) {
  vq::cuda::finish_grad_norm(stream(), state, normalizer, max_norm);
}

void CudaDevice::adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& how,
                       const GradNormState* state) {
  vq::cuda::adamw(stream(), p, m, v, g, n, how, state);
}

}  // namespace vq::cuda
