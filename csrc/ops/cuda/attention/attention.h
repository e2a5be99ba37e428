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
#include "ops/cuda/runtime.h"
#include "ops/cuda/stream.h"

namespace vq::cuda {

class Attention {
 public:
  struct Gpu {
    int multiprocessors = 1;
    bool large_shared = false;  // more than 100 KB of shared memory per multiprocessor; see attention_gpu
    bool wgmma = false;         // capability 9.0, and the kernels agreed with the others when the GPU was opened
  };

  Attention(const Gpu& gpu, TableCache::Upload upload) : gpu_(gpu), tables_(std::move(upload)) {}

  // How the plans of captured work are split into tiles: the same for each, so that launches have the same grids.
  struct Split {
    AttentionShape shape;
    TileSizes sizes;
  };
  // Until end_fixed(), forward() reads the tables of this plan at fixed addresses (TableCache's fixed slot), whatever
  // plan it is called with. If the split is known, the tables are uploaded now; returns false if they do not fit. If
  // not, the first forward() chooses the split, uploads the tables and stores the split in `split`, which must outlive
  // end_fixed().
  bool begin_fixed(const AttentionPlan& plan, std::optional<Split>& split);
  void end_fixed() { fixed_split_ = nullptr; }

  // GPU memory for calls with `rows` query rows (in backward passes also `rows` key rows) and for all earlier calls of
  // this function; pass it to set_workspace.
  size_t grown_bytes(int64_t rows, const AttentionShape& shape) const { return grown(rows, shape).all(); }
  void set_workspace(void* memory, int64_t rows, const AttentionShape& shape);

  // From the next call on, for problems that are large enough.
  void use_wgmma() { gpu_.wgmma = true; }

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
  int64_t wanted() const { return busy_blocks(gpu_.multiprocessors); }
  AttentionBytes grown(int64_t rows, const AttentionShape& shape) const;
  // The tables of a forward pass on the GPU, with tiles optionally split along the keys; null if they do not fit.
  const TableCache::Tables* tables_for(const AttentionPlan& plan, const AttentionShape& shape, const TileSizes& sizes,
                                       bool may_split);
  bool takes_wgmma(const AttentionPlan& plan, const AttentionShape& shape) const;
  Partials partials(int64_t rows, int kv_heads, int padded_dim) const;

  Gpu gpu_;
  TableCache tables_;
  char* scratch_ = nullptr;  // deltas, then partial results
  AttentionBytes reserved_;
  std::optional<Split>* fixed_split_ = nullptr;  // between begin_fixed() and end_fixed()
  const TableCache::Tables* fixed_ = nullptr;    // null until they are uploaded
};

// The attention kernels of a GPU, without wgmma. Capability 8.7 has 163 KB of shared memory, but runs the code of 8.6,
// in which tall tiles are compiled to nothing (kHasLargeShared).
Attention::Gpu attention_gpu(const Gpu& gpu);

}  // namespace vq::cuda
