// cp.async of one thread: copies that are under way, in groups. Here a copy completes when the thread waits for it, the
// latest moment that the hardware allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace cuda_on_cpu {

class Region;

struct AsyncCopy {
  unsigned char* to;
  const Region* region;  // that `to` lies in
  uint32_t bytes;
  const void* from;  // null: zeros
};

class AsyncCopies {
 public:
  void issue(const AsyncCopy& copy) { open_.push_back(copy); }
  void commit() {
    groups_.push_back(std::move(open_));
    open_.clear();
  }
  // Completes all but the `pending` newest groups: finish(copy) for each of their copies, in order.
  template <class Finish>
  void wait(size_t pending, Finish finish) {
    while (groups_.size() > pending) {
      for (const AsyncCopy& copy : groups_.front()) finish(copy);
      groups_.pop_front();
    }
  }
  // Copies that no wait has completed.
  size_t under_way() const {
    size_t n = open_.size();
    for (const auto& group : groups_) n += group.size();
    return n;
  }
  void forget() {
    open_.clear();
    groups_.clear();
  }

 private:
  std::vector<AsyncCopy> open_;
  std::deque<std::vector<AsyncCopy>> groups_;
};

}  // namespace cuda_on_cpu
