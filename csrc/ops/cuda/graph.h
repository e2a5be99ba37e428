// Device::replay as a CUDA graph: one launch instead of a few hundred, and the card proceeds from kernel to kernel by
// itself.
//
// The first run is launched directly, since libraries load and choose kernels in it. The second is captured; from then
// on the graph is launched. What changes between runs is in the card's memory: ids, positions, slots, and the tables of
// attention, which are written where the captured launches read them (Attention::begin_steady).
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
