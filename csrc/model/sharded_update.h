// A training step that several processes share. The micro-batches of a step are dealt to the ranks in turn: number i is
// computed by rank i mod world. Each rank owns a slice of the adapter: it sums the slice's gradients, keeps its moments
// and updates it (ZeRO stage 1).
//
// Gradients and losses are added one micro-batch after the other, in the order of their numbers, as one process adds
// them: every number of processes computes the same bytes. That is why gradients are exchanged after every round of
// micro-batches and not once per step.
#pragma once

#include <vq.h>

#include <vector>

#include "model/arena.h"
#include "model/lora_layout.h"
#include "ops/comm.h"

namespace vq {

// Which rank owns what of a vector of floats. Slices begin at multiples of kSquaresPart, so that the gradient norm is
// summed as by one process.
struct Slices {
  int64_t floats;
  int world;

  int64_t parts() const { return (floats + kSquaresPart - 1) / kSquaresPart; }
  int64_t first_part(int rank) const { return parts() * rank / world; }
  int64_t begin(int rank) const { return std::min(floats, first_part(rank) * kSquaresPart); }
  int64_t size(int rank) const { return begin(rank + 1) - begin(rank); }
  int64_t largest() const { return std::min(floats, (parts() + world - 1) / world * kSquaresPart); }
};

struct ShardBuffers {
  ShardBuffers() = default;
  ShardBuffers(Arena& arena, int64_t floats, int world, int64_t max_targets);

  // Floats of a slice that are exchanged at a time.
  static constexpr int64_t kChunk = int64_t{1} << 20;

  float* gradient = nullptr;  // [largest slice]  summed over the micro-batches
  float* incoming = nullptr;  // [world, kChunk or largest slice]
  float* losses = nullptr;    // [world, max_targets]
  double* squares = nullptr;  // [parts]
};

class ShardedUpdate {
 public:
  ShardedUpdate(Device& device, Comm& comm, const LoraLayout& layout, const ShardBuffers& buffers, int64_t max_targets);

  int64_t begin() const { return slices_.begin(comm_.rank()); }  // of this rank's slice
  int64_t size() const { return slices_.size(comm_.rank()); }

  // Adds the gradients and losses of a round of micro-batches. targets 0: this rank has none in this round.
  void add_round(const float* gradient, const float* losses, int32_t targets, GradNormState* step);
  // Updates the parameters; moments: of this rank's slice. Returns the flags of all ranks.
  uint32_t update(float* parameters, float* moment1, float* moment2, const vq_update& how, GradNormState* step);
  void zero_grad();

  // Moves a range of a sliced vector to rank 0. part: this rank's slice; out: the range, on rank 0 alone.
  void gather(const float* part, int64_t begin, int64_t floats, float* out);
  // Rank 0 tells the others what comes next: a layer and target whose moments it wants, or nothing any more.
  struct Wish {
    int32_t layer;
    uint32_t target;  // 0: nothing any more
  };
  Wish hear();
  void tell(Wish wish);

 private:
  int agree_on_round(int32_t targets);
  void exchange_losses(const float* losses);
  void fold_chunk(const float* gradient, int active, int64_t chunk);
  void fold_into(int64_t begin, int64_t floats, const float* gradient);
  void share_squares();
  uint32_t share_flags(uint32_t own);

  Device& device_;
  Comm& comm_;
  const float scale_;
  const std::vector<LoraLayout::Stretch> stretches_;
  const Slices slices_;
  const ShardBuffers b_;
  const int64_t max_targets_, chunk_;
  int64_t round_ = 0;
  std::vector<int32_t> targets_;  // of the round, by rank
};

}  // namespace vq
