// wgmma of one thread: pending ones, in groups, and the registers and shared memory that they use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tests/cuda_sim/groups.h"

namespace cuda_sim {

// Registers that wgmmas use: how many are pending, when the thread last touched them itself, and when a wgmma_fence()
// last named them; both as the number of fences of the thread by then.
struct Registers {
  int under_way = 0;
  uint32_t touched = 0;
  uint32_t named = 0;
};

// Chunks of shared memory that a wgmma reads, until all threads of its warpgroup have waited for it.
struct WgmmaReads {
  std::vector<const void*> chunks;
  size_t waiting;
};

struct StartedWgmma {
  Registers *sums, *left;  // left: null if it is in shared memory
  std::shared_ptr<WgmmaReads> reads;
};

class PendingWgmmas {
 public:
  void start(StartedWgmma p) {
    p.sums->under_way++;
    if (p.left) p.left->under_way++;
    groups_.start(std::move(p));
  }
  void commit() { groups_.commit(); }
  // Ends all but the `pending` newest groups: finish(wgmma) for each, in order.
  template <class Finish>
  void wait(size_t pending, Finish finish) {
    groups_.wait(pending, [&](const StartedWgmma& p) {
      p.sums->under_way--;
      if (p.left) p.left->under_way--;
      finish(p);
    });
  }
  bool under_way() const { return groups_.under_way() > 0; }
  void forget() { groups_.forget(); }

 private:
  Groups<StartedWgmma> groups_;
};

}  // namespace cuda_sim
