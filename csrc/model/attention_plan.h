// The rows of a pass on the host: who attends to whom.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/ops.h"

namespace vq {

// An AttentionPlan under construction. Keeps its memory from pass to pass.
class RowPlan {
 public:
  void reserve(int64_t segments, int64_t ranges, int64_t rows) {
    segments_.reserve(segments);
    ranges_.reserve(ranges);
    visible_.reserve(rows);
  }
  void clear() {
    segments_.clear();
    ranges_.clear();
    visible_.clear();
  }
  // The next query rows see all of `ranges` but the last, and of that as many keys as visible() says for each row.
  void begin_segment(std::span<const KeyRange> ranges) {
    segments_.push_back({static_cast<int32_t>(visible_.size()), 0, static_cast<int32_t>(ranges_.size()),
                         static_cast<int32_t>(ranges.size())});
    ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
  }
  void add_row(int32_t visible) {
    visible_.push_back(visible);
    segments_.back().q_count++;
  }
  int64_t rows() const { return static_cast<int64_t>(visible_.size()); }
  AttentionPlan plan() const { return {segments_, ranges_, visible_}; }

 private:
  std::vector<AttentionSegment> segments_;
  std::vector<KeyRange> ranges_;
  std::vector<int32_t> visible_;
};

}  // namespace vq
