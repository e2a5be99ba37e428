// The tables of the attention kernels: every query row is paired with each key that it sees exactly once and with no
// other, however tiles are split; every key is in one tile; and the planned memory is sufficient.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>

#include "ops/cuda/attention/plan.h"

namespace vq::test {
namespace {

using namespace vq::cuda;

struct Plan {
  AttentionShape shape{1, 1, 8, 1};
  std::vector<AttentionSegment> segments;
  std::vector<KeyRange> ranges;
  std::vector<int32_t> visible;
  int32_t key_rows = 0;
  AttentionPlan plan() const { return {segments, ranges, visible}; }
  int32_t group() const { return shape.heads / shape.kv_heads; }
  int64_t rows() const { return std::max<int64_t>(static_cast<int64_t>(visible.size()), key_rows); }
};

// Segments with gaps between their keys, rows in any order, and some rows that see nothing; with `many`, several ranges
// each, including empty ones.
Plan random_plan(uint32_t seed, bool many) {
  std::mt19937 generator(seed);
  const auto upto = [&](int32_t n) { return static_cast<int32_t>(generator() % static_cast<uint32_t>(n + 1)); };
  Plan p;
  const int group = 1 + upto(7);
  p.shape.kv_heads = 1 + upto(3);
  p.shape.heads = group * p.shape.kv_heads;
  for (int32_t s = upto(4); s >= 0; s--) {
    const int32_t queries = 1 + upto(seed % 3 == 0 ? 90 : 3), ranges = many ? 1 + upto(4) : 1;
    p.segments.push_back(
        {static_cast<int32_t>(p.visible.size()), queries, static_cast<int32_t>(p.ranges.size()), ranges});
    for (int32_t r = 0; r < ranges; r++) {
      p.key_rows += upto(2) * 40;
      const int32_t count = many && upto(3) == 0 ? 0 : 1 + upto(200);
      p.ranges.push_back({p.key_rows, count});
      p.key_rows += count;
    }
    for (int32_t q = 0; q < queries; q++) p.visible.push_back(upto(p.ranges.back().count));
    if (upto(1)) std::sort(p.visible.end() - queries, p.visible.end());
  }
  p.key_rows += upto(1) * 70;
  return p;
}

// How often each stacked row (of all segments, concatenated) is paired with each key row.
using Meetings = std::vector<std::vector<int>>;
Meetings no_meetings(const Plan& p) {
  return Meetings(p.visible.size() * static_cast<size_t>(p.group()), std::vector<int>(static_cast<size_t>(p.key_rows)));
}
int& meeting(Meetings& m, const Plan& p, int32_t q_begin, int32_t stacked, int32_t key) {
  return m[static_cast<size_t>(q_begin * p.group() + stacked)][static_cast<size_t>(key)];
}

Meetings wanted(const Plan& p) {
  Meetings m = no_meetings(p);
  for (const AttentionSegment& s : p.segments)
    for (int32_t i = 0; i < s.q_count * p.group(); i++)
      for (int32_t r = s.first_range; r < s.first_range + s.range_count; r++) {
        const KeyRange& range = p.ranges[static_cast<size_t>(r)];
        const bool last = r == s.first_range + s.range_count - 1;
        const int32_t seen = last ? p.visible[static_cast<size_t>(s.q_begin + i / p.group())] : range.count;
        for (int32_t k = 0; k < seen; k++) meeting(m, p, s.q_begin, i, range.begin + k)++;
      }
  return m;
}

// Iterates over a tile like the kernel, skipping the mask for the first `least` keys only.
void walk(Meetings& m, const Plan& p, const AttentionTables& t, const QueryTile& tile, int32_t block) {
  int32_t r = tile.range, at = tile.at;
  const auto range = [&] { return t.ranges[static_cast<size_t>(r)]; };
  const auto skip = [&] {
    while (at >= range().count && r < tile.last_range) r++, at = 0;
  };
  skip();
  for (int32_t n = 0; n < tile.blocks; n++) {
    const bool last = r == tile.last_range;
    const int32_t end = std::min(at + block, range().count);
    const bool cut = at + block > (last ? std::min(tile.least, range().count) : range().count);
    for (int32_t i = tile.first; i < tile.first + tile.rows; i++)
      for (int32_t k = at; k < end; k++) {
        const int32_t seen = t.visible[static_cast<size_t>(tile.q_begin + i / p.group())];
        if (!cut || !last || k < seen) meeting(m, p, tile.q_begin, i, range().begin + k)++;
      }
    at += block;
    skip();
  }
}

TEST(AttentionTables, CoverEveryKeyOfEveryRowOnce) {
  for (uint32_t seed = 0; seed < 120; seed++) {
    const Plan p = random_plan(seed, seed % 2 == 1);
    for (int64_t want : {0, 3, 40, 600}) {
      const AttentionTables t = attention_tables(p.plan(), p.shape, {64, 32, 0}, want, 0);
      Meetings m = no_meetings(p);
      for (const QueryTile& tile : t.tiles) walk(m, p, t, tile, 32);
      EXPECT_EQ(m, wanted(p)) << seed << ", " << want;
      EXPECT_TRUE(std::is_sorted(t.tiles.begin(), t.tiles.end(), [](const QueryTile& a, const QueryTile& b) {
        return a.blocks > b.blocks;
      })) << "the longest first";
    }
  }
}

// Parts are consecutive, each part of a tile occurs once, and their number does not exceed the memory for them.
TEST(AttentionTables, MergeThePartsOfATileInOrder) {
  for (uint32_t seed = 0; seed < 60; seed++) {
    const Plan p = random_plan(seed, true);
    const int64_t want = 50;
    const AttentionTables t = attention_tables(p.plan(), p.shape, {64, 32, 0}, want, 0);
    std::vector<int> written(static_cast<size_t>(t.partial_rows)), read = written;
    for (const QueryTile& tile : t.tiles)
      for (int32_t i = 0; tile.partial >= 0 && i < tile.rows; i++) written[static_cast<size_t>(tile.partial + i)]++;
    for (const MergeTile& tile : t.merges)
      for (int32_t i = 0; i < tile.parts * tile.rows; i++) read[static_cast<size_t>(tile.partial + i)]++;
    EXPECT_EQ(written, std::vector<int>(written.size(), 1));
    EXPECT_EQ(read, written);
    EXPECT_LE(t.partial_rows * p.shape.kv_heads, 2 * want * 64) << seed;
  }
}

TEST(AttentionTables, CoverEveryKeyOnce) {
  for (uint32_t seed = 0; seed < 120; seed++) {
    const Plan p = random_plan(seed, false);
    const AttentionTables t = attention_tables(p.plan(), p.shape, {64, 32, 64}, 0, p.key_rows);
    std::vector<int> tiles_of(static_cast<size_t>(p.key_rows));
    Meetings m = no_meetings(p);
    for (const KeyTile& tile : t.key_tiles)
      for (int32_t k = 0; k < tile.keys; k++) {
        tiles_of[static_cast<size_t>(tile.row + k)]++;
        for (int32_t i = tile.first; i < tile.end; i++) {
          const int32_t seen = t.visible[static_cast<size_t>(tile.q_begin + i / p.group())];
          if (i >= tile.full_from || tile.at + k < seen) meeting(m, p, tile.q_begin, i, tile.row + k)++;
        }
      }
    EXPECT_EQ(tiles_of, std::vector<int>(tiles_of.size(), 1)) << seed;
    EXPECT_EQ(m, wanted(p)) << seed;
  }
}

// The GPU memory that TableCache writes to.
struct Memory {
  explicit Memory(size_t size) : bytes(size) {}
  TableCache::Upload upload() {
    return [this](void* to, const void* from, size_t n) {
      uploads++;
      ASSERT_GE(static_cast<char*>(to), bytes.data());
      ASSERT_LE(static_cast<char*>(to) + n, bytes.data() + bytes.size());
      std::memcpy(to, from, n);
    };
  }
  std::vector<char> bytes;
  int uploads = 0;
};

TEST(AttentionTables, FitIntoTheCountedMemory) {
  for (uint32_t seed = 0; seed < 120; seed++) {
    const Plan p = random_plan(seed, false);
    for (int64_t want : {2, 264}) {
      Memory memory(TableCache::bytes(p.rows(), p.shape, want));
      TableCache tables(memory.upload());
      tables.set_memory(memory.bytes.data(), memory.bytes.size());
      EXPECT_NE(tables.get(p.plan(), p.shape, {64, 32, 64}, want, p.key_rows), nullptr) << seed;
    }
  }
}

TEST(AttentionTables, KeepsTablesOfRecentPlans) {
  std::vector<Plan> plans;
  for (uint32_t seed = 0; seed < 5; seed++) plans.push_back(random_plan(seed, false));
  Memory memory(TableCache::bytes(2000, {8, 1, 8, 1}, 8));
  TableCache tables(memory.upload());
  tables.set_memory(memory.bytes.data(), memory.bytes.size());
  const auto place = [&](size_t i) { return tables.get(plans[i].plan(), plans[i].shape, {64, 32, 0}, 8, 0)->tiles; };
  const auto* first = place(0);
  for (size_t i : {1, 2, 0, 3, 0, 1}) place(i);
  EXPECT_EQ(memory.uploads, 4);
  EXPECT_EQ(place(0), first);
  place(4);  // replaces 2, the least recently used
  EXPECT_EQ(place(0), first);
  EXPECT_EQ(memory.uploads, 5);
  place(2);
  EXPECT_EQ(memory.uploads, 6);
  // A plan that differs in one row is another.
  plans[0].visible.back() ^= 1;
  place(0);
  EXPECT_EQ(memory.uploads, 7);
}

// Recorded launches find the tables of every plan with the same number of segments, regardless of the length and
// fragmentation of the keys.
TEST(AttentionTables, FixedTablesKeepTheirAddresses) {
  const AttentionShape shape{4, 2, 16, 1};
  Memory memory(TableCache::bytes(2000, shape, 8));
  TableCache tables(memory.upload());
  tables.set_memory(memory.bytes.data(), memory.bytes.size());
  std::optional<TableCache::Tables> first;
  for (int32_t pieces : {1, 2, 33, 500}) {
    for (int32_t keys : {1, 64, 1000}) {
      const std::vector<AttentionSegment> segments = {{0, 1, 0, pieces}, {1, 1, pieces, 1}};
      std::vector<KeyRange> ranges;
      for (int32_t i = 0; i <= pieces; i++) ranges.push_back({i * 1000, keys});
      const std::vector<int32_t> visible = {keys, 1};
      const auto* t = tables.upload_fixed({segments, ranges, visible}, shape, {64, 64, 0, 4});
      ASSERT_NE(t, nullptr);
      if (!first) first = *t;
      EXPECT_EQ(t->tiles, first->tiles);
      EXPECT_EQ(t->merges, first->merges);
      EXPECT_EQ(t->visible, first->visible);
      EXPECT_EQ(t->ranges, first->ranges);
      EXPECT_EQ(t->tile_count, 8u);
      EXPECT_EQ(t->merge_count, 2u);
      EXPECT_EQ(t->partial_rows, first->partial_rows);
      EXPECT_EQ(std::memcmp(t->ranges, ranges.data(), ranges.size() * sizeof(KeyRange)), 0);
      int64_t blocks = 0;
      for (unsigned i = 0; i < t->tile_count; i++) blocks += t->tiles[i].blocks;
      EXPECT_EQ(blocks, int64_t{pieces} * ((keys + 63) / 64) + 1);
    }
  }
}

}  // namespace
}  // namespace vq::test
