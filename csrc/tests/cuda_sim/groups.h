// Work that one thread has started and waits for in groups, the way of cp.async and wgmma.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace cuda_sim {

template <class Item>
class Groups {
 public:
  void start(Item item) { open_.push_back(std::move(item)); }
  void commit() {
    groups_.push_back(std::move(open_));
    open_.clear();
  }
  // Ends all but the `pending` newest groups: finish(item) for each of their items, in order.
  template <class Finish>
  void wait(size_t pending, Finish finish) {
    while (groups_.size() > pending) {
      for (const Item& item : groups_.front()) finish(item);
      groups_.pop_front();
    }
  }
  // Items that no wait has ended.
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
  std::vector<Item> open_;
  std::deque<std::vector<Item>> groups_;
};

}  // namespace cuda_sim
