// An AttentionPlan under construction on the host: which rows attend to which keys.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/device.h"

namespace vq {

// Keeps its memory from pass to pass.
class AttentionPlanBuilder {
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
  // Starts a segment: its rows see all keys of `ranges` but the last, and the first `visible` keys of the last.
  void begin_segment(std::span<const KeyRange> ranges) {
    segments_.push_back({static_cast<int32_t>(visible_.size()), 0, static_cast<int32_t>(ranges_.size()),
                         static_cast<int32_t>(ranges.size())});
    ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
  }
  void add_row(int32_t visible) {
    visible_.push_back(visible);
    segments_.back().q_count++;
  }
  AttentionPlan plan() const { return {segments_, ranges_, visible_}; }

 private:
  std::vector<AttentionSegment> segments_;
  std::vector<KeyRange> ranges_;
  std::vector<int32_t> visible_;
};

}  // namespace vq
