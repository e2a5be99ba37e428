// The slots of a key/value cache: after any appends, forks and truncations, each sequence finds its own tokens.
#include <gtest/gtest.h>

#include <random>

#include "model/kv_cache.h"

namespace vq {
namespace {

// A cache and its expected contents: the tokens of each sequence, and slots that only append writes.
struct Checked {
  KvCache cache;
  std::vector<std::vector<int>> truth;
  std::vector<int> memory;
  int next = 0;

  Checked(int64_t capacity, int32_t sequences)
      : cache(capacity, sequences), truth(sequences), memory(KvCache::slots(capacity, sequences), -1) {}

  void append(int32_t s) {
    const int32_t slot = cache.append(s);
    memory.at(slot) = next;
    truth[s].push_back(next++);
  }
  void check() const {
    std::vector<KeyRange> ranges;
    for (int32_t s = 0; s < cache.sequences(); s++) {
      ASSERT_EQ(cache.length(s), static_cast<int64_t>(truth[s].size()));
      cache.ranges(s, ranges);
      std::vector<int> found;
      for (const KeyRange& r : ranges) {
        ASSERT_GT(r.count, 0);
        for (int32_t i = 0; i < r.count; i++) found.push_back(memory.at(r.begin + i));
      }
      ASSERT_EQ(found, truth[s]) << "sequence " << s;
    }
  }
};

TEST(KvCache, RandomHistoriesMatchAModel) {
  for (unsigned seed = 0; seed < 200; seed++) {
    std::mt19937 random(seed);
    const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
    const int32_t sequences = 1 + static_cast<int32_t>(below(5));
    Checked c(300, sequences);
    for (int step = 0; step < 120; step++) {
      const int32_t s = static_cast<int32_t>(below(sequences)), other = static_cast<int32_t>(below(sequences));
      switch (below(4)) {
        case 0:
        case 1:
          for (int64_t n = below(50), i = 0; i < n && c.cache.blocks_for(s, 1) <= c.cache.free_blocks(); i++)
            c.append(s);
          break;
        case 2:
          if (s != other && c.truth[other].empty()) {
            c.cache.fork(s, other);
            c.truth[other] = c.truth[s];
          }
          break;
        case 3: {
          const int64_t length = below(c.truth[s].size() + 1);
          c.cache.truncate(s, length);
          c.truth[s].resize(length);
          break;
        }
      }
      c.check();
      if (HasFatalFailure()) FAIL() << "seed " << seed << " step " << step;
    }
    for (int32_t s = 0; s < sequences; s++) c.cache.truncate(s, 0);
    ASSERT_EQ(c.cache.free_blocks(), KvCache::slots(300, sequences) / KvCache::kBlock) << "blocks leak";
  }
}

TEST(KvCache, SingleSequenceIsOneRange) {
  Checked c(500, 1);
  for (int i = 0; i < 500; i++) c.append(0);
  std::vector<KeyRange> ranges;
  c.cache.ranges(0, ranges);
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(ranges[0].count, 500);
}

TEST(KvCache, BlocksForPredictsAppend) {
  Checked c(200, 3);
  std::mt19937 random(1);
  for (int i = 0; i < 60; i++) {
    const int32_t s = i % 2;
    if (i == 20) c.cache.fork(0, 2);
    const int64_t n = random() % 4, before = c.cache.free_blocks(), predicted = c.cache.blocks_for(s, n);
    for (int64_t k = 0; k < n; k++) c.append(s);
    EXPECT_EQ(before - c.cache.free_blocks(), predicted);
  }
}

// Each sequence can be filled to its share although each leaves a block unfinished.
TEST(KvCache, SequencesShareTheCapacity) {
  const int32_t sequences = 7;
  KvCache cache(70, sequences);
  for (int token = 0; token < 10; token++) {
    for (int32_t s = 0; s < sequences; s++) {
      ASSERT_LE(cache.blocks_for(s, 1), cache.free_blocks());
      cache.append(s);
    }
  }
}

}  // namespace
}  // namespace vq
