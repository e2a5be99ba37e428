// wgmma of one thread: products that are under way, in groups, and the registers and shared memory that they use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace cuda_on_cpu {

// Registers that products use: how many are under way, and when the thread last touched them itself.
struct Registers {
  int under_way = 0;
  uint32_t touched = 0;  // after so many wgmma_fence() of the thread
};

// Chunks of shared memory that a product reads, until all threads of its warpgroup have waited for it.
struct ProductReads {
  std::vector<const void*> chunks;
  size_t waiting;
};

struct StartedProduct {
  Registers *sums, *left;  // left: null when it lies in shared memory
  std::shared_ptr<ProductReads> reads;
};

class Products {
 public:
  void start(StartedProduct p) {
    p.sums->under_way++;
    if (p.left) p.left->under_way++;
    open_.push_back(std::move(p));
  }
  void commit() {
    groups_.push_back(std::move(open_));
    open_.clear();
  }
  // Ends all but the `pending` newest groups: finish(product) for each, in order.
  template <class Finish>
  void wait(size_t pending, Finish finish) {
    while (groups_.size() > pending) {
      for (const StartedProduct& p : groups_.front()) {
        p.sums->under_way--;
        if (p.left) p.left->under_way--;
        finish(p);
      }
      groups_.pop_front();
    }
  }
  bool under_way() const {
    for (const auto& group : groups_)
      if (!group.empty()) return true;
    return !open_.empty();
  }
  void forget() {
    open_.clear();
    groups_.clear();
  }

 private:
  std::vector<StartedProduct> open_;
  std::deque<std::vector<StartedProduct>> groups_;
};

}  // namespace cuda_on_cpu
