// Work that is repeated, as a CUDA graph: launching one is one call where its few hundred kernels were as many, and the
// card goes from one to the next by itself.
//
// The first run is plain, since libraries load kernels and choose among them in it; the second is recorded; from then
// on the graph is launched. What changes from run to run lies in the card's memory: ids, positions, slots, and the
// tables of attention, which are put where the recorded launches look for them (Attention::begin_steady).
#pragma once

#include <functional>
#include <optional>

#include "ops/cuda/attention/attention.h"
#include "ops/cuda/runtime.h"
#include "ops/device.h"

namespace vq::cuda {

class CudaGraph final : public Graph {
 public:
  explicit CudaGraph(Stream stream) : stream_(stream) {}
  ~CudaGraph() override;

  // moves: a number that is another when addresses of the device's own buffers are.
  void run(Attention& attention, const AttentionPlan& plan, uint64_t moves, const std::function<void()>& work);

 private:
  void record(const std::function<void()>& work);
  void drop() noexcept;

  Stream stream_;
  GraphHandle graph_ = nullptr;
  bool refused_ = false;               // it cannot be recorded
  std::optional<Attention::Cut> cut_;  // known from the first run on
  uint64_t moves_ = 0;                 // when the cut was made
};

}  // namespace vq::cuda
