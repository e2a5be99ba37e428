// Attention on the GPU: attention and attention_backward of ops/ops.h.
//
//   plan       splits a plan into tiles on the host and caches the tables of recent plans on the GPU
//   attention  selects the kernels for a call
//   forward, backward                 bf16, heads of up to 128 elements: tiles on tensor cores (mma.sync)
//   hopper_forward, hopper_backward   the same with wgmma, for many rows and heads of 64 or 128
//   reference                         everything else, in f32: simple kernels that the others are checked against
//   check      compares the wgmma kernels with the others when a GPU is opened
//
// The same call on the same GPU produces the same bytes.
#pragma once

#include <optional>

#include "ops/cuda/attention/plan.h"
#include "ops/cuda/memory_needs.h"
#include "ops/cuda/stream.h"

namespace vq::cuda {

class Attention {
 public:
  struct Card {
    int multiprocessors = 1;
    bool large_shared = false;  // more than 100 KB of shared memory a multiprocessor
    bool wgmma = false;         // capability 9.0, and the kernels agreed with the others when the GPU was opened
  };

  Attention(const Card& card, PlanTables::Upload upload) : card_(card), tables_(std::move(upload)) {}

  // How the plans of repeated work are split; all of them in the same way.
  struct Cut {
    AttentionShape shape;
    TileSizes sizes;
  };
  // Until end_steady(), every call of forward() uses this plan, and its tables are stored at the fixed address for such
  // plans. They are uploaded now or, if the split is not known yet, by the first call, which returns it. Returns false
  // if they do not fit.
  bool begin_steady(const AttentionPlan& plan, std::optional<Cut>& cut);
  void end_steady() { steady_cut_ = nullptr; }

  // GPU memory for calls with `rows` query rows (in backward passes also `rows` key rows) and for all earlier calls of
  // this function; pass it to set_workspace.
  size_t grown_bytes(int64_t rows, const AttentionShape& shape) const { return grown(rows, shape).all(); }
  void set_workspace(void* memory, int64_t rows, const AttentionShape& shape);

  // From the next call on, if the GPU and the problem size allow it.
  void use_wgmma() { card_.wgmma = true; }

  void forward(Stream stream, const Tensor& o, float* lse, const Tensor& q, const Tensor& k, const Tensor& v,
               const AttentionShape& shape, const AttentionPlan& plan);
  void backward(Stream stream, const Tensor& dq, const Tensor& dk, const Tensor& dv, const Tensor& dout,
                const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out, const float* lse,
                const AttentionShape& shape, const AttentionPlan& plan);

 private:
  struct Partials {
    float* values;  // [G, rows, padded head size]
    float* lse;     // [G, rows]
  };
  int64_t wanted() const { return busy_blocks(card_.multiprocessors); }
  AttentionBytes grown(int64_t rows, const AttentionShape& shape) const;
  // The tables of a forward pass, with tiles optionally split along the keys; null if they do not fit.
  const PlanTables::Placed* place(const AttentionPlan& plan, const AttentionShape& shape, const TileSizes& sizes,
                                  bool may_cut);
  bool takes_wgmma(const AttentionPlan& plan, const AttentionShape& shape) const;
  Partials partials(int64_t rows, int kv_heads, int padded_dim) const;

  Card card_;
  PlanTables tables_;
  char* scratch_ = nullptr;  // deltas, then partial results
  AttentionBytes reserved_;
  std::optional<Cut>* steady_cut_ = nullptr;
  const PlanTables::Placed* steady_ = nullptr;
};

}  // namespace vq::cuda
