#include "model/kv_cache.h"

#include <algorithm>
#include <cassert>

namespace vq {

int64_t KvCache::slots(int64_t capacity, int32_t sequences) {
  return ((capacity + kBlock - 1) / kBlock + 2 * static_cast<int64_t>(sequences)) * kBlock;
}

KvCache::KvCache(int64_t capacity, int32_t sequences)
    : sequences_(sequences), users_(slots(capacity, sequences) / kBlock), free_(users_.size()) {}

// Tokens that still fit into the last block.
int64_t KvCache::room_in_last_block(const Sequence& s) const {
  if (s.blocks.empty() || (s.sealed && users_[s.blocks.back()] > 1)) return 0;
  return kBlock - s.counts.back();
}

int64_t KvCache::blocks_for(int32_t sequence, int64_t tokens) const {
  const int64_t rest = tokens - room_in_last_block(sequences_[sequence]);
  return rest <= 0 ? 0 : (rest + kBlock - 1) / kBlock;
}

int32_t KvCache::append(int32_t sequence) {
  Sequence& s = sequences_[sequence];
  if (room_in_last_block(s) == 0) {
    s.blocks.push_back(take_block(s));
    s.counts.push_back(0);
    s.sealed = false;
  }
  s.length++;
  return s.blocks.back() * kBlock + s.counts.back()++;
}

// Prefers the block after the last, so that the sequence stays one range; else the first free one.
int32_t KvCache::take_block(const Sequence& s) {
  assert(free_ > 0);
  size_t block = s.blocks.empty() ? 0 : s.blocks.back() + 1;
  if (block >= users_.size() || users_[block] > 0) {
    block = std::find(users_.begin(), users_.end(), 0) - users_.begin();
  }
  users_[block] = 1;
  free_--;
  return static_cast<int32_t>(block);
}

void KvCache::fork(int32_t from, int32_t to) {
  truncate(to, 0);
  sequences_[to] = sequences_[from];
  sequences_[to].sealed = true;
  for (int32_t block : sequences_[to].blocks) users_[block]++;
}

void KvCache::truncate(int32_t sequence, int64_t length) {
  Sequence& s = sequences_[sequence];
  int64_t surplus = s.length - length;
  if (surplus <= 0) return;
  s.length = length;
  while (surplus > 0) {
    const int32_t removed = static_cast<int32_t>(std::min<int64_t>(surplus, s.counts.back()));
    surplus -= removed;
    s.counts.back() -= removed;
    if (s.counts.back() > 0) break;
    if (--users_[s.blocks.back()] == 0) free_++;
    s.blocks.pop_back();
    s.counts.pop_back();
  }
  s.sealed = true;  // other sequences may still use the tokens beyond the new end
}

void KvCache::ranges(int32_t sequence, std::vector<KeyRange>& out) const {
  const Sequence& s = sequences_[sequence];
  out.clear();
  for (size_t i = 0; i < s.blocks.size(); i++) {
    const int32_t begin = s.blocks[i] * kBlock;
    if (!out.empty() && out.back().begin + out.back().count == begin) {
      out.back().count += s.counts[i];
    } else {
      out.push_back({begin, s.counts[i]});
    }
  }
}

}  // namespace vq
