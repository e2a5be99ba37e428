// The generator of dropout masks. Every device draws the same mask for the same key: backward passes draw it again
// instead of storing it, and a run that moves to another device continues with the same masks.
//
// Plain integer arithmetic without library headers, so that kernels of any instruction set and of a GPU can include it.
// Word is uint32_t or a vector of them.
#pragma once

#include <cstdint>

#include "ops/anywhere.h"

namespace vq {

// Selects a dropout mask. Element i = row * cols + col of a tensor is kept if word i of the generator keyed by
// (seed, stream) is at least round(p 2^32), and is then multiplied by 1 / (1 - p). The mask depends on nothing else.
struct DropoutKey {
  uint64_t seed;
  uint64_t stream;
  float p;  // 0 keeps everything
};

// The finalizer of SplitMix64.
VQ_ANYWHERE uint64_t splitmix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// A word of the generator: the finalizer of MurmurHash3 with other constants and two keys.
template <class Word>
VQ_ANYWHERE Word dropout_word(Word position, uint32_t key0, uint32_t key1) {
  Word x = position * 0x9e3779b1u + key0;
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15) ^ key1) * 0x846ca68bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  return x ^ (x >> 16);
}

struct DropoutMask {
  uint64_t base;       // the two keys of the first 2^32 positions, key0 in the lower half
  uint32_t threshold;  // kept if the word is at least this
  float scale;         // of what is kept
};

// The two keys at a position: a word counts 32 bits of it, the upper 32 go into the keys.
VQ_ANYWHERE uint64_t dropout_keys(const DropoutMask& mask, uint64_t position) {
  return position >> 32 ? splitmix(mask.base ^ (position >> 32)) : mask.base;
}

VQ_ANYWHERE DropoutMask dropout_mask(const DropoutKey& key) {
  const double threshold = static_cast<double>(key.p) * 4294967296.0 + 0.5;  // exact: p has 24 bits
  return {splitmix(splitmix(key.seed) ^ key.stream),
          threshold >= 4294967295.0 ? 0xffffffffu : static_cast<uint32_t>(threshold),
          key.p < 1 ? 1.0f / (1.0f - key.p) : 0.0f};
}

}  // namespace vq
