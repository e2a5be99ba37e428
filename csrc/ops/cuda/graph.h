// Device::replay as a CUDA graph: one launch instead of a few hundred, and the GPU proceeds from kernel to kernel by
// itself.
//
// The first run is launched directly, since libraries load and choose kernels in it. The second is captured; from then
// on the graph is launched. What changes between runs is in GPU memory: ids, positions, slots, and the attention
// tables, which are written to the addresses that the captured launches read (Attention::begin_fixed).
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

  // moves: changes whenever the device reallocates one of its own buffers.
  void run(Attention& attention, const AttentionPlan& plan, uint64_t moves, const std::function<void()>& work);

 private:
  void record(const std::function<void()>& work);
  void drop() noexcept;

  Stream stream_;
  GraphHandle graph_ = nullptr;
  bool refused_ = false;                   // it cannot be captured
  std::optional<Attention::Split> split_;  // known after the first run
  uint64_t moves_ = 0;                     // when the split was made
};

}  // namespace vq::cuda
