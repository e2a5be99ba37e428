// Attention on the card: attention and attention_backward of ops/ops.h.
//
//   plan       splits a plan into tiles, on the host, and keeps the tables of recent plans on the card
//   attention  selects the kernels for a call
//   forward, backward                 bf16, heads of up to 128 elements: tiles on tensor cores (mma.sync)
//   hopper_forward, hopper_backward   the same with wgmma, for many rows and heads of 64 or 128
//   reference                         everything else, in f32: the straightforward kernels that the others are checked
//   by check      compares the wgmma kernels with the others when a card is opened
//
// The same call on the same card gives the same bytes.
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
    bool wgmma = false;         // capability 9.0, and the kernels agreed with the others when the card was opened
  };

  Attention(const Card& card, PlanTables::Upload upload) : card_(card), tables_(std::move(upload)) {}

  // How the plans of repeated work are cut, all alike.
  struct Cut {
    AttentionShape shape;
    TileSizes sizes;
  };
  // From here to end_steady() every call of forward() has this plan, and its tables are where those of all such plans
  // do. They are put there now, or when the cut is not known yet by the first call, which says it. False when they do
  // not fit.
  bool begin_steady(const AttentionPlan& plan, std::optional<Cut>& cut);
  void end_steady() { steady_cut_ = nullptr; }

  // Memory of the card for calls with `rows` query rows, or in backward passes with `rows` key rows, and for calls that
  // set_workspace was called for before; set_workspace gives it.
  size_t grown_bytes(int64_t rows, const AttentionShape& shape) const { return grown(rows, shape).all(); }
  void set_workspace(void* memory, int64_t rows, const AttentionShape& shape);

  // From the next call on, where the card and the problem suit.
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
  // The tables of a forward pass, of tiles that may be cut along the keys or not; null when they do not fit.
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
