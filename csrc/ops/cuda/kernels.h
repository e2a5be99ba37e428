// The element-wise kernels and reductions: one function per op of ops/ops.h, with the same semantics. Each queues its
// work on the stream and returns. Plain C++: the CUDA code is in the .cu files named below.
#pragma once

#include <cstdint>

#include "ops/cuda/stream.h"
#include "ops/ops.h"

namespace vq::cuda {

// norm.cu
void rms_norm(Stream stream, const Tensor& y, float* rstd, const Tensor& x, const float* w, float eps,
              const FusedDropout& fused);
void rms_norm_backward(Stream stream, const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                       const float* w, bool accumulate, const FusedDropout& fused, const Tensor& cast);
void head_norm_rope(Stream stream, const Tensor& y, float* rstd, const Tensor& x, const float* w, int head_dim,
                    float eps, const float* cos_sin, const int32_t* positions);
void head_norm_rope_backward(Stream stream, const Tensor& dx, const Tensor& dy, const Tensor& x, const float* rstd,
                             const float* w, int head_dim, const float* cos_sin, const int32_t* positions);

// elementwise.cu
void swiglu(Stream stream, const Tensor& y, const Tensor& gate_up, const FusedDropout& fused);
void swiglu_backward(Stream stream, const Tensor& d_gate_up, const Tensor& dy, const Tensor& gate_up,
                     const FusedDropout& fused);
void dropout(Stream stream, const Tensor& y, const Tensor& x, const DropoutKey& key, bool accumulate);
void add(Stream stream, const Tensor& y, const Tensor& a, const Tensor& b);

// rows.cu
void copy_rows(Stream stream, const Tensor& y, const Tensor& x);  // x can be f16
// y[i] = x[rows[i]]; x can be f16.
void gather_rows(Stream stream, const Tensor& y, const Tensor& x, const int32_t* rows);
void scatter_rows(Stream stream, const Tensor& y, const Tensor& x, const int32_t* rows);
void scatter_add_rows(Stream stream, const Tensor& y, const Tensor& x, const int32_t* rows);

// loss.cu
void cross_entropy(Stream stream, float* loss, const Tensor& logits, const int32_t* labels, const float* weights,
                   bool gradient);
void score_rows(Stream stream, float* log_prob, int32_t* argmax, const Tensor& logits, const int32_t* labels);

// candidates.cu
void select_candidates(Stream stream, Candidate* out, int32_t most, const Tensor& logits, const uint32_t* allowed,
                       const double* below);

// optimizer.cu
constexpr int kSumParts = 1024;  // doubles of scratch
void accumulate_sum_of_squares(Stream stream, double* sum, double* parts, const float* x, int64_t n);
// parts: [n / kSquaresPart, rounded up]
void squares_of_parts(Stream stream, double* parts, const float* x, int64_t n);
void fold(Stream stream, float* sum, const float* x, int64_t n, float factor);
void accumulate_sum(Stream stream, double* sum, const float* x, int64_t n);
void finish_grad_norm(Stream stream, GradNormState* state, double normalizer, double max_norm);
void adamw(Stream stream, float* p, float* m, float* v, const float* g, int64_t n, const AdamW& how,
           const GradNormState* state);

}  // namespace vq::cuda
