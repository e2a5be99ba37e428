// Converts a plan to the tiles that kernels process.
#include "ops/cuda/attention/plan.h"

#include <algorithm>
#include <cstring>

#include "ops/cuda/memory_needs.h"

namespace vq::cuda {
namespace {

constexpr int64_t kFewestBlocks = 2;  // blocks of keys in each part of a split tile

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

const KeyRange& range_of(const AttentionPlan& plan, int64_t index) { return plan.ranges[static_cast<size_t>(index)]; }

int32_t narrow(int64_t x) { return static_cast<int32_t>(x); }

// Keys of a range, rounded up to whole blocks.
int64_t blocks_of(int64_t keys, int64_t block) { return keys > 0 ? ceil_div(keys, block) : 0; }

// One unsplit tile: all key blocks that any of its rows sees.
QueryTile whole_tile(const AttentionPlan& plan, const AttentionSegment& s, int64_t group, int64_t first, int64_t rows,
                     int64_t block) {
  const int32_t last = s.first_range + s.range_count - 1;
  const auto seen = plan.visible.begin() + s.q_begin;
  const auto [least, most] = std::minmax_element(seen + first / group, seen + (first + rows - 1) / group + 1);
  QueryTile t{s.q_begin, narrow(first), narrow(rows), s.first_range, last, 0, 0, *least, -1};
  int64_t blocks = 0;
  for (int32_t r = s.first_range; r < last; r++) blocks += blocks_of(range_of(plan, r).count, block);
  blocks += blocks_of(std::min<int64_t>(range_of(plan, last).count, *most), block);
  t.blocks = narrow(blocks);
  return t;
}

// The part of the tile with `blocks` blocks, starting at block `begin`.
QueryTile part_of(const QueryTile& whole, const AttentionPlan& plan, int64_t begin, int64_t blocks, int64_t block) {
  QueryTile t = whole;
  while (t.range < t.last_range) {
    const int64_t here = blocks_of(range_of(plan, t.range).count, block);
    if (begin < here) break;
    begin -= here;
    t.range++;
  }
  t.at = narrow(begin * block);
  t.blocks = narrow(blocks);
  return t;
}

// Appends query tiles, aiming for `wanted` blocks in the grid.
void add_query_tiles(AttentionTables& all, const AttentionPlan& plan, const AttentionShape& shape,
                     const TileSizes& sizes, int64_t wanted) {
  const int64_t group = shape.heads / shape.kv_heads;
  std::vector<QueryTile> whole;
  int64_t blocks = 0;
  for (const AttentionSegment& s : plan.segments)
    for (int64_t first = 0; first < s.q_count * group; first += sizes.rows) {
      const int64_t rows = std::min<int64_t>(sizes.rows, s.q_count * group - first);
      whole.push_back(whole_tile(plan, s, group, first, rows, sizes.block));
      blocks += whole.back().blocks;
    }
  // Few tiles leave most of the GPU idle; splitting them shortens the kernel.
  const bool few = static_cast<int64_t>(whole.size()) * shape.kv_heads < wanted;
  const int64_t most = few ? std::max(kFewestBlocks, ceil_div(blocks * shape.kv_heads, wanted)) : blocks;
  for (const QueryTile& t : whole) {
    const int64_t parts =
        sizes.parts ? sizes.parts : std::max<int64_t>(1, ceil_div(t.blocks, std::max<int64_t>(1, most)));
    if (parts == 1) {
      all.tiles.push_back(t);
      continue;
    }
    all.merges.push_back({t.q_begin, t.first, t.rows, narrow(all.partial_rows), narrow(parts)});
    const int64_t each = std::max(kFewestBlocks, ceil_div(t.blocks, parts));
    for (int64_t p = 0; p < parts; p++) {
      const int64_t begin = std::min<int64_t>(p * each, t.blocks);
      QueryTile part = part_of(t, plan, begin, std::min<int64_t>(each, t.blocks - begin), sizes.block);
      part.partial = narrow(all.partial_rows);
      all.partial_rows += t.rows;
      all.tiles.push_back(part);
    }
  }
  std::stable_sort(all.tiles.begin(), all.tiles.end(),
                   [](const QueryTile& a, const QueryTile& b) { return a.blocks > b.blocks; });
}

// For each query row of a segment: the most keys visible to it or any row before it, and the most and the fewest
// visible to it or any row after it. All three are sorted, whatever the order of the rows.
struct Sight {
  std::vector<int32_t> most_before, most_after, fewest_after;

  Sight(const AttentionPlan& plan, const AttentionSegment& s) {
    const auto seen = plan.visible.subspan(static_cast<size_t>(s.q_begin), static_cast<size_t>(s.q_count));
    const size_t n = seen.size();
    most_before.assign(seen.begin(), seen.end());
    most_after = fewest_after = most_before;
    for (size_t i = 1; i < n; i++) most_before[i] = std::max(most_before[i], most_before[i - 1]);
    for (size_t i = n; i-- > 1;) {
      most_after[i - 1] = std::max(most_after[i - 1], most_after[i]);
      fewest_after[i - 1] = std::min(fewest_after[i - 1], fewest_after[i]);
    }
  }
  // The first row that sees more than `keys`, the end of the rows that do, and the first row from which on all see
  // `keys` or more.
  int64_t first_beyond(int32_t keys) const {
    return std::upper_bound(most_before.begin(), most_before.end(), keys) - most_before.begin();
  }
  int64_t end_beyond(int32_t keys) const {
    return std::partition_point(most_after.begin(), most_after.end(), [&](int32_t x) { return x > keys; }) -
           most_after.begin();
  }
  int64_t all_from(int32_t keys) const {
    return std::lower_bound(fewest_after.begin(), fewest_after.end(), keys) - fewest_after.begin();
  }
};

void add_key_tiles(std::vector<KeyTile>& tiles, const AttentionPlan& plan, const AttentionShape& shape, int keys,
                   int64_t key_rows) {
  const int32_t group = shape.heads / shape.kv_heads;
  const auto unseen = [&](int64_t begin, int64_t end) {
    for (; begin < end; begin += keys) {
      tiles.push_back({narrow(begin), narrow(std::min<int64_t>(keys, end - begin)), 0, 0, 0, 0, 0});
    }
  };
  std::vector<const AttentionSegment*> in_order;
  for (const AttentionSegment& s : plan.segments) in_order.push_back(&s);
  std::sort(in_order.begin(), in_order.end(), [&](const AttentionSegment* a, const AttentionSegment* b) {
    return range_of(plan, a->first_range).begin < range_of(plan, b->first_range).begin;
  });
  int64_t done = 0;
  for (const AttentionSegment* s : in_order) {
    const KeyRange& range = range_of(plan, s->first_range);
    unseen(done, range.begin);
    done = range.begin + range.count;
    const Sight sight(plan, *s);
    for (int32_t at = 0; at < range.count; at += keys) {
      const int32_t count = std::min(keys, range.count - at);
      KeyTile t{range.begin + at, count, at, s->q_begin, 0, 0, 0};
      t.first = narrow(sight.first_beyond(at)) * group;
      t.end = narrow(sight.end_beyond(at)) * group;
      t.full_from = narrow(sight.all_from(at + count)) * group;
      if (t.end <= t.first) t.first = t.end = 0;
      tiles.push_back(t);
    }
  }
  unseen(done, key_rows);
}

template <class T>
bool same(const std::vector<T>& a, std::span<const T> b) {
  static_assert(std::has_unique_object_representations_v<T>);
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

constexpr size_t kAlign = 256;
size_t aligned(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// Concatenates vectors in a blob that is later copied to `memory`.
struct Blob {
  char* memory;
  std::vector<char> bytes;
  template <class T>
  const T* add(const std::vector<T>& values) {
    const size_t at = bytes.size();
    const char* first = reinterpret_cast<const char*>(values.data());
    bytes.insert(bytes.end(), first, first + values.size() * sizeof(T));
    while (bytes.size() != aligned(bytes.size())) bytes.push_back(0);
    return reinterpret_cast<const T*>(memory + at);
  }
};

}  // namespace

AttentionTables attention_tables(const AttentionPlan& given, const AttentionShape& shape, const TileSizes& sizes,
                                 int64_t wanted, int64_t key_rows) {
  AttentionTables all;
  all.visible.assign(given.visible.begin(), given.visible.end());
  std::vector<AttentionSegment> segments(given.segments.begin(), given.segments.end());
  for (AttentionSegment& s : segments) {
    const auto from = given.ranges.begin() + s.first_range;
    s.first_range = narrow(static_cast<int64_t>(all.ranges.size()));
    all.ranges.insert(all.ranges.end(), from, from + s.range_count);
  }
  const AttentionPlan plan{segments, all.ranges, all.visible};
  add_query_tiles(all, plan, shape, sizes, wanted);
  if (sizes.keys > 0) add_key_tiles(all.key_tiles, plan, shape, sizes.keys, key_rows);
  return all;
}

size_t TableCache::bytes(int64_t rows, const AttentionShape& shape, int64_t wanted) {
  // The upper bound: the smallest tiles, of 64 rows and keys, and one segment per row.
  const auto n = static_cast<size_t>(rows);
  const size_t whole = n + n * static_cast<size_t>(shape.heads / shape.kv_heads) / 64 + 1;
  const size_t cut = 2 * static_cast<size_t>(wanted);
  const size_t keys = 2 * n + n / 64 + 2;
  const size_t ranges = 2 * n + 4096;  // a fragmented cache has more ranges than rows, within reason
  return kSlots * (aligned((whole + cut) * sizeof(QueryTile)) + aligned(cut * sizeof(MergeTile)) +
                   aligned(keys * sizeof(KeyTile)) + aligned(ranges * sizeof(KeyRange)) + aligned(n * sizeof(int32_t)));
}

AttentionBytes attention_bytes(int64_t rows, const AttentionShape& shape, int multiprocessors) {
  const int64_t wanted = busy_blocks(multiprocessors);
  const int64_t of_tile = std::min<int64_t>(kTileRows, rows * shape.heads / shape.kv_heads);
  const int64_t partials = 2 * wanted * of_tile * (padded_dim(shape.head_dim) + 1) * int64_t{sizeof(float)};
  return {TableCache::bytes(rows, shape, wanted), aligned(static_cast<size_t>(rows * shape.heads) * sizeof(float)),
          aligned(static_cast<size_t>(partials)) + kAlign};
}

void TableCache::set_memory(void* memory, size_t bytes) {
  memory_ = static_cast<char*>(memory);
  slot_bytes_ = bytes / kSlots / kAlign * kAlign;
  for (Kept& k : kept_) k = {};
}

const TableCache::Tables* TableCache::get(const AttentionPlan& plan, const AttentionShape& shape,
                                          const TileSizes& sizes, int64_t wanted, int64_t key_rows) {
  const std::vector<int64_t> how = {shape.heads, shape.kv_heads, sizes.rows, sizes.block, sizes.keys, wanted, key_rows};
  calls_++;
  Kept* oldest = &kept_[0];
  for (Kept& k : kept_) {
    if (k.how == how && same(k.segments, plan.segments) && same(k.ranges, plan.ranges) &&
        same(k.visible, plan.visible)) {
      k.used = calls_;
      return &k.tables;
    }
    if (k.used < oldest->used) oldest = &k;
  }
  Tables tables;
  const AttentionTables t = attention_tables(plan, shape, sizes, wanted, key_rows);
  if (!copy(t, static_cast<size_t>(oldest - kept_), tables)) return nullptr;
  *oldest = {{plan.segments.begin(), plan.segments.end()},
             {plan.ranges.begin(), plan.ranges.end()},
             {plan.visible.begin(), plan.visible.end()},
             how,
             tables,
             calls_};
  return &oldest->tables;
}

const TableCache::Tables* TableCache::upload_fixed(const AttentionPlan& plan, const AttentionShape& shape,
                                                   const TileSizes& sizes) {
  return copy(attention_tables(plan, shape, sizes, 0, 0), kKept, fixed_) ? &fixed_ : nullptr;
}

bool TableCache::copy(const AttentionTables& from, size_t slot, Tables& to) {
  Blob blob{memory_ + slot * slot_bytes_, {}};
  to = {};
  to.tiles = blob.add(from.tiles);
  to.merges = blob.add(from.merges);
  to.key_tiles = blob.add(from.key_tiles);
  to.visible = blob.add(from.visible);
  to.ranges = blob.add(from.ranges);  // last, because their number does not affect the offsets of the others
  to.tile_count = static_cast<unsigned>(from.tiles.size());
  to.merge_count = static_cast<unsigned>(from.merges.size());
  to.key_tile_count = static_cast<unsigned>(from.key_tiles.size());
  to.partial_rows = from.partial_rows;
  if (blob.bytes.size() > slot_bytes_) return false;
  upload_(blob.memory, blob.bytes.data(), blob.bytes.size());
  return true;
}

}  // namespace vq::cuda
