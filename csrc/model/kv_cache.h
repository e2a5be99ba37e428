// Which slots of a key/value cache hold which tokens of which sequence. The keys and values themselves are Session's.
//
// Slots are handed out in blocks. Forked sequences share the blocks of their common prefix; a block is free when no
// sequence refers to it. A sequence continues in its last block unless another sequence may have tokens in the rest of
// that block; then it continues in a new one.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/device.h"

namespace vq {

class KvCache {
 public:
  static constexpr int32_t kBlock = 32;

  KvCache(int64_t capacity, int32_t sequences);
  // Slots of such a cache: more than the capacity, since forks and sequence ends leave blocks partly used.
  static int64_t slots(int64_t capacity, int32_t sequences);

  int32_t sequences() const { return static_cast<int32_t>(sequences_.size()); }
  int64_t length(int32_t sequence) const { return sequences_[sequence].length; }
  int64_t free_blocks() const { return free_; }
  // New blocks needed to append this many tokens.
  int64_t blocks_for(int32_t sequence, int64_t tokens) const;
  // Appends a token and returns its slot. If that needs a block, one must be free.
  int32_t append(int32_t sequence);
  void fork(int32_t from, int32_t to);
  void truncate(int32_t sequence, int64_t length);
  // The slots of a sequence in token order, adjacent blocks merged.
  void ranges(int32_t sequence, std::vector<KeyRange>& out) const;

 private:
  struct Sequence {
    std::vector<int32_t> blocks;
    std::vector<int32_t> counts;  // tokens in each block: fewer than kBlock before a fork
    int64_t length = 0;
    bool sealed = false;  // another sequence may have tokens in the rest of the last block
  };
  int64_t room_in_last_block(const Sequence& s) const;
  int32_t take_block(const Sequence& s);

  std::vector<Sequence> sequences_;
  std::vector<int32_t> users_;  // sequences that refer to a block
  int64_t free_;
};

}  // namespace vq
