#include "ops/cuda/graph.h"

namespace vq::cuda {
namespace {

// Attention reads its tables at fixed addresses for the lifetime of this object, if they fit.
class FixedTables {
 public:
  FixedTables(Attention& attention, const AttentionPlan& plan, std::optional<Attention::Split>& split)
      : attention_(attention), fit(attention.begin_fixed(plan, split)) {}
  ~FixedTables() { attention_.end_fixed(); }
  FixedTables(const FixedTables&) = delete;
  FixedTables& operator=(const FixedTables&) = delete;

 private:
  Attention& attention_;

 public:
  const bool fit;
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
    split_.reset();
    moves_ = moves;
  }
  const bool first = !split_;
  const FixedTables tables(attention, plan, split_);
  if (!first && tables.fit && !refused_ && !graph_) record(work);
  if (!first && tables.fit && graph_) {
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
