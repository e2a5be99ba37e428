// Warp-wide operations: shuffles, votes, __syncwarp. All lanes of the mask must reach the same operation. Shuffles and
// votes do not order memory; __syncwarp of the whole warp does.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "tests/cuda_sim/block.h"

namespace cuda_sim {

// Each lane of the mask brings a Lane; when all are there, operation(lanes) runs once. Entries outside the mask are
// null.
template <class Lane, void (*operation)(Lane* const (&)[32])>
void together(uint32_t mask, Lane& mine, std::source_location where) {
  running()->block->meet(
      mask, &mine,
      [](void* const(&all)[32]) {
        Lane* lanes[32];
        for (int i = 0; i < 32; i++) lanes[i] = static_cast<Lane*>(all[i]);
        operation(lanes);
      },
      where);
}

struct Shuffled {
  uint64_t bits;    // what the lane brings, then what it takes away
  uint32_t source;  // the lane it takes from; 32: keeps its own
};

inline void shuffle_lanes(Shuffled* const (&lanes)[32]) {
  uint64_t brought[32] = {};
  for (int i = 0; i < 32; i++)
    if (lanes[i]) brought[i] = lanes[i]->bits;
  for (Shuffled* lane : lanes) {
    if (!lane || lane->source > 31) continue;
    if (!lanes[lane->source]) {
      report(Fault::barrier, "shuffles from a lane outside the mask");
      continue;
    }
    lane->bits = brought[lane->source];
  }
}

template <class T>
T shuffle(uint32_t mask, const T& v, uint32_t source, std::source_location where) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  Shuffled mine{0, source};
  std::memcpy(&mine.bits, &v, sizeof(T));
  together<Shuffled, shuffle_lanes>(mask, mine, where);
  T got;
  std::memcpy(&got, &mine.bits, sizeof(T));
  return got;
}

struct Vote {
  bool yes;
  uint32_t ballot;
};

inline void count_votes(Vote* const (&lanes)[32]) {
  uint32_t ballot = 0;
  for (int i = 0; i < 32; i++)
    if (lanes[i] && lanes[i]->yes) ballot |= 1u << i;
  for (Vote* lane : lanes)
    if (lane) lane->ballot = ballot;
}

inline uint32_t vote(uint32_t mask, bool yes, std::source_location where) {
  Vote mine{yes, 0};
  together<Vote, count_votes>(mask, mine, where);
  return mine.ballot;
}

inline void sync_lanes(Thread* const (&lanes)[32]) {
  for (uint32_t i = 0; i < 32; i++) {
    // Every lane that there is and that has not returned must be in it, or it orders nothing here.
    const Thread* some = nullptr;
    for (const Thread* t : lanes)
      if (t) some = t;
    const size_t at = size_t{some->warp} * 32 + i;
    if (at < some->block->threads.size() && !lanes[i]) return;
  }
  for (Thread* t : lanes)
    if (t) t->now.warp_sync++;
}

}  // namespace cuda_sim

#define VQ_HERE std::source_location where = std::source_location::current()

template <class T>
T __shfl_sync(uint32_t mask, T v, int lane, int width = 32, VQ_HERE) {
  const uint32_t own = cuda_sim::running()->lane, segment = own & ~static_cast<uint32_t>(width - 1);
  return cuda_sim::shuffle(mask, v, segment + (static_cast<uint32_t>(lane) & static_cast<uint32_t>(width - 1)), where);
}
template <class T>
T __shfl_xor_sync(uint32_t mask, T v, int lanes, int width = 32, VQ_HERE) {
  const uint32_t own = cuda_sim::running()->lane, other = own ^ static_cast<uint32_t>(lanes);
  const uint32_t end = (own & ~static_cast<uint32_t>(width - 1)) + static_cast<uint32_t>(width);
  return cuda_sim::shuffle(mask, v, other < end ? other : 32, where);
}
template <class T>
T __shfl_down_sync(uint32_t mask, T v, unsigned delta, int width = 32, VQ_HERE) {
  const uint32_t own = cuda_sim::running()->lane, other = own + delta;
  const uint32_t end = (own & ~static_cast<uint32_t>(width - 1)) + static_cast<uint32_t>(width);
  return cuda_sim::shuffle(mask, v, other < end ? other : 32, where);
}
template <class T>
T __shfl_up_sync(uint32_t mask, T v, unsigned delta, int width = 32, VQ_HERE) {
  const uint32_t own = cuda_sim::running()->lane, begin = own & ~static_cast<uint32_t>(width - 1);
  return cuda_sim::shuffle(mask, v, own >= begin + delta ? own - delta : 32, where);
}

inline uint32_t __ballot_sync(uint32_t mask, int yes, VQ_HERE) { return cuda_sim::vote(mask, yes != 0, where); }
inline int __any_sync(uint32_t mask, int yes, VQ_HERE) { return cuda_sim::vote(mask, yes != 0, where) != 0; }
inline int __all_sync(uint32_t mask, int yes, VQ_HERE) { return cuda_sim::vote(mask, yes != 0, where) == mask; }

inline void __syncwarp(uint32_t mask = 0xffffffff, VQ_HERE) {
  // A warp at the end of a block can be short: missing lanes do not participate.
  const auto& self = *cuda_sim::running();
  const size_t there = self.block->threads.size() - size_t{self.warp} * 32;
  if (there < 32) mask &= (1u << there) - 1;
  cuda_sim::together<cuda_sim::Thread, cuda_sim::sync_lanes>(mask, *cuda_sim::running(), where);
}
inline void __syncthreads(VQ_HERE) { cuda_sim::running()->block->barrier(where); }
