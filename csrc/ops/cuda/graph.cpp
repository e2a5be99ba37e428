#include "ops/cuda/graph.h"

namespace vq::cuda {
namespace {

// Holds attention's steady slot for its lifetime.
class Steady {
 public:
  Steady(Attention& attention, const AttentionPlan& plan, std::optional<Attention::Cut>& cut)
      : attention_(attention), fits(attention.begin_steady(plan, cut)) {}
  ~Steady() { attention_.end_steady(); }
  Steady(const Steady&) = delete;
  Steady& operator=(const Steady&) = delete;

 private:
  Attention& attention_;

 public:
  const bool fits;
};

}  // namespace

CudaGraph::~CudaGraph() {
  try {
    if (graph_) synchronize(stream_);  // it may still be running
  } catch (const std::exception&) {    // the GPU failed: waiting for results throws
  }
  drop();
}

void CudaGraph::drop() noexcept {
  if (graph_) destroy(graph_);
  graph_ = nullptr;
}

void CudaGraph::run(Attention& attention, const AttentionPlan& plan, uint64_t moves,
                    const std::function<void()>& work) {
  if (moves != moves_) {
    if (graph_) synchronize(stream_);
    drop();
    cut_.reset();
    moves_ = moves;
  }
  const bool first = !cut_;
  const Steady steady(attention, plan, cut_);
  if (!first && steady.fits && !refused_ && !graph_) record(work);
  if (!first && steady.fits && graph_) {
    replay(graph_, stream_);
  } else {
    work();
  }
}

// Creates a graph or records that there will be none: in that case the work is launched op by op, and an error of its
// own is thrown again.
void CudaGraph::record(const std::function<void()>& work) {
  refused_ = true;
  try {
    begin_capture(stream_);
  } catch (const Error&) {
    return;
  }
  bool whole = false;
  try {
    work();
    whole = true;
  } catch (const std::exception&) {
  }
  try {
    graph_ = end_capture(stream_);
  } catch (const Error&) {
    return;
  }
  if (whole) {
    refused_ = false;
  } else {
    drop();
  }
}

}  // namespace vq::cuda
