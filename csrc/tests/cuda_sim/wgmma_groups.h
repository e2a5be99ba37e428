// wgmma of one thread: products that are under way, in groups, and the registers and shared memory that they use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tests/cuda_sim/groups.h"

namespace cuda_sim {

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
    groups_.start(std::move(p));
  }
  void commit() { groups_.commit(); }
  // Ends all but the `pending` newest groups: finish(product) for each, in order.
  template <class Finish>
  void wait(size_t pending, Finish finish) {
    groups_.wait(pending, [&](const StartedProduct& p) {
      p.sums->under_way--;
      if (p.left) p.left->under_way--;
      finish(p);
    });
  }
  bool under_way() const { return groups_.under_way() > 0; }
  void forget() { groups_.forget(); }

 private:
  Groups<StartedProduct> groups_;
};

}  // namespace cuda_sim
