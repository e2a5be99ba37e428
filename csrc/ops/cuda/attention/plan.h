// The input of the attention kernels, computed from a plan on the host: query tiles (a few stacked rows of one segment,
// over its keys) and key tiles (a few keys of one segment, over its stacked rows). Each is one thread block per key
// head.
//
// The J = H / G query heads of a key head g are stacked, as on the CPU: stacked row m of a segment is its query row m /
// J, head g J + m % J. One tile of keys in shared memory therefore serves all of them, and a causal tile of 64 stacked
// rows spans only 64 / J positions.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ops/ops.h"

namespace vq::cuda {

// Stacked rows of a segment over blocks of its keys, starting at key `at` of range `range`.
struct QueryTile {
  int32_t q_begin;      // first query row of the segment
  int32_t first, rows;  // stacked rows [first, first + rows) of the segment
  int32_t range, last_range;
  int32_t at;
  int32_t blocks;   // of keys; can be 0
  int32_t least;    // keys of the last range visible to all of the rows
  int32_t partial;  // index of its first row in the partial results, or -1 if the result is complete
};

// Rows whose result is split: part p of stacked row first + i is row partial + p rows + i of the partial results.
struct MergeTile {
  int32_t q_begin;
  int32_t first, rows;
  int32_t partial, parts;
};

// Keys of a segment, with the stacked rows that see any of them.
struct KeyTile {
  int32_t row, keys;  // rows of K and V
  int32_t at;         // keys of the range before these
  int32_t q_begin;
  int32_t first, end;  // stacked rows of the segment that see any of them; 0, 0 if none do
  int32_t full_from;   // stacked rows from here on see all of them
};

struct TileSizes {
  int rows;       // stacked rows of a query tile
  int block;      // keys that it processes at a time
  int keys;       // of a key tile; 0: no key tiles
  int parts = 0;  // of every query tile, regardless of length; 0: enough to keep the GPU busy
};

struct AttentionTables {
  std::vector<QueryTile> tiles;  // the longest first
  std::vector<MergeTile> merges;
  std::vector<KeyTile> key_tiles;  // every row of K and V is in exactly one
  std::vector<KeyRange> ranges;    // ranges of the segments
  std::vector<int32_t> visible;
  int64_t partial_rows = 0;
};

// If there are fewer query tiles than `wanted` blocks of the grid, splits them along the keys, into fewer than 2 *
// wanted.
AttentionTables attention_tables(const AttentionPlan& plan, const AttentionShape& shape, const TileSizes& sizes,
                                 int64_t wanted, int64_t key_rows);

// The largest head size of the tiled kernels, the query rows per tile, and the padded head sizes.
constexpr int kLargestTiledDim = 128, kTileRows = 64;  // 4 warps of 16 rows
constexpr int padded_dim(int dim) { return dim <= 64 ? 64 : dim <= 96 ? 96 : kLargestTiledDim; }
// Grid blocks that keep the GPU busy: two per multiprocessor.
constexpr int64_t busy_blocks(int multiprocessors) { return int64_t{2} * multiprocessors; }

// Tables on the GPU. Those of the last few plans are kept, since all layers of a step share one plan.
//
// One more slot, the fixed one, is for the passes of a CUDA graph: plans with one row per segment, each tile split into
// the same number of parts. As long as the number of segments stays the same, their tables have the same addresses and
// counts, so captured launches remain valid.
class TableCache {
 public:
  // Copies `bytes` of host memory to the GPU in stream order; the source can be reused at once.
  using Upload = std::function<void(void* to, const void* from, size_t bytes)>;
  explicit TableCache(Upload upload) : upload_(std::move(upload)) {}

  struct Tables {
    const QueryTile* tiles;
    const MergeTile* merges;
    const KeyTile* key_tiles;
    const KeyRange* ranges;
    const int32_t* visible;
    unsigned tile_count, merge_count, key_tile_count;
    int64_t partial_rows;
  };

  // Memory for plans of `rows` query rows; in backward passes also of `rows` key rows.
  static size_t bytes(int64_t rows, const AttentionShape& shape, int64_t wanted);
  void set_memory(void* memory, size_t bytes);
  // The tables of a plan, uploaded unless they are kept; null if they do not fit.
  const Tables* get(const AttentionPlan& plan, const AttentionShape& shape, const TileSizes& sizes, int64_t wanted,
                    int64_t key_rows);
  // Uploads the tables of a plan to the fixed slot; null if they do not fit.
  const Tables* upload_fixed(const AttentionPlan& plan, const AttentionShape& shape, const TileSizes& sizes);

 private:
  struct Kept {
    std::vector<AttentionSegment> segments;
    std::vector<KeyRange> ranges;
    std::vector<int32_t> visible;
    std::vector<int64_t> how;  // all other inputs of the tables; empty: no tables
    Tables tables;
    uint64_t used;  // the last call that used them
  };
  static constexpr size_t kKept = 4;  // for all rows and for target rows, forward and backward
  static constexpr size_t kSlots = kKept + 1;

  // Copies tables to a slot; returns false if they do not fit.
  bool copy(const AttentionTables& from, size_t slot, Tables& to);

  Upload upload_;
  char* memory_ = nullptr;
  size_t slot_bytes_ = 0;
  Kept kept_[kKept] = {};
  Tables fixed_ = {};
  uint64_t calls_ = 0;
};

}  // namespace vq::cuda
