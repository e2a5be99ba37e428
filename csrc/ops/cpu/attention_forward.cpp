// Attention forward in blocks of keys with an online softmax: two GEMMs, and no buffer of size queries x keys.
#include <cmath>

#include "ops/cpu/attention.h"

namespace vq::cpu {
namespace {

constexpr int64_t kPanels = 8;                      // query panels per task
constexpr int64_t kMostPacked = int64_t{32} << 20;  // bytes of packed keys and values at a time

struct HeadSegment {
  const AttentionSegment* segment;
  int64_t head;
  int64_t blocks;
  int64_t first_block;  // of the batch's packed blocks
  int64_t first_task;   // of the batch
};

// Per-thread buffers.
struct Scratch {
  Scratch(const AttentionGeometry& geo, const PanelKernel& kernel, Arena arena)
      : queries(static_cast<char*>(arena.take_bytes(static_cast<size_t>(kernel.bytes(kPanels * geo.queries_b()))))),
        keys(static_cast<char*>(arena.take_bytes(block_bytes(geo, kernel)))),
        scores(arena.take<float>(static_cast<size_t>(geo.block * geo.nr))),
        p(arena.take_bytes(static_cast<size_t>(kernel.bytes(geo.block * geo.nr)))),
        sums(arena.take<float>(static_cast<size_t>(kPanels * geo.sums()))) {}
  static size_t block_bytes(const AttentionGeometry& geo, const PanelKernel& kernel) {
    return static_cast<size_t>(kernel.bytes(geo.keys_a() + geo.transposed_a()));
  }
  static size_t bytes(const AttentionGeometry& geo, const PanelKernel& kernel) {
    return aligned(static_cast<size_t>(kernel.bytes(kPanels * geo.queries_b()))) + aligned(block_bytes(geo, kernel)) +
           aligned(static_cast<size_t>(4 * geo.block * geo.nr)) +
           aligned(static_cast<size_t>(kernel.bytes(geo.block * geo.nr))) +
           aligned(static_cast<size_t>(4 * kPanels * geo.sums()));
  }
  char* queries;  // [kPanels] B panels
  char* keys;     // a block of packed keys and values, if they are not packed in advance
  float* scores;  // [block][nr]
  void* p;        // the same as a B panel over keys
  float* sums;    // [kPanels][D][nr]
};

class Forward {
 public:
  Forward(const AttentionCall& call, const Tensor& o, float* lse, const AttentionInputs& in)
      : c_(call), geo_(call.geo), kernel_(call.kernel), ops_(call.isa.attention), o_(o), lse_(lse), in_(in) {}

  void run() {
    Arena arena(c_.workspace);
    scratch_bytes_ = Scratch::bytes(geo_, kernel_);
    scratch_ = static_cast<char*>(arena.take_bytes(scratch_bytes_ * static_cast<size_t>(c_.pool.threads())));
    const int64_t room = static_cast<int64_t>(arena.left() / Scratch::block_bytes(geo_, kernel_));
    packed_ = static_cast<char*>(arena.take_bytes(static_cast<size_t>(room) * Scratch::block_bytes(geo_, kernel_)));
    int64_t blocks = 0, tasks = 0;
    const auto flush = [&] {
      run_batch(blocks, tasks);
      units_.clear();
      blocks = tasks = 0;
    };
    for (const AttentionSegment& s : c_.plan.segments) {
      if (s.q_count == 1) continue;
      const int64_t unit_blocks = key_blocks(c_.plan, s, geo_.block);
      for (int64_t g = 0; g < c_.shape.kv_heads; g++) {
        if (blocks + unit_blocks > room && !units_.empty()) flush();
        units_.push_back({&s, g, unit_blocks, unit_blocks <= room ? blocks : -1, tasks});
        if (unit_blocks <= room) blocks += unit_blocks;
        tasks += ceil_div(geo_.query_panels(s.q_count), kPanels);
      }
    }
    flush();
  }

 private:
  void run_batch(int64_t blocks, int64_t tasks) {
    const auto unit_of = [&](int64_t number, int64_t HeadSegment::*first) {
      size_t low = 0;
      for (size_t i = 0; i < units_.size(); i++)
        if (units_[i].*first >= 0 && units_[i].*first <= number) low = i;
      return low;
    };
    int64_t work = 0;
    for (const HeadSegment& u : units_) work += attention_work(c_.plan, *u.segment, geo_);
    c_.pool.run(blocks, 2 * blocks * geo_.block * geo_.dim, [&](int64_t b, int) {
      const HeadSegment& u = units_[unit_of(b, &HeadSegment::first_block)];
      pack_block(u, b - u.first_block, packed_ + static_cast<size_t>(b) * Scratch::block_bytes(geo_, kernel_));
    });
    c_.pool.run(tasks, work, [&](int64_t i, int thread) {
      // Within a unit the last queries, which see the most keys, are processed first.
      const size_t number = unit_of(i, &HeadSegment::first_task);
      const HeadSegment& u = units_[number];
      const int64_t count = (number + 1 < units_.size() ? units_[number + 1].first_task : tasks) - u.first_task;
      run_task(u, count - 1 - (i - u.first_task), thread);
    });
  }

  void pack_block(const HeadSegment& u, int64_t index, char* dst) {
    const KeyBlock b = key_block(c_.plan, *u.segment, geo_.block, index);
    const StridedMatrix k = head_rows(in_.k, b.row, u.head, geo_.dim, true);
    for (int64_t first = 0; first < b.count; first += geo_.mr)
      kernel_.pack_a(dst + kernel_.bytes(first * geo_.dim_k), k, first, std::min(geo_.mr, b.count - first), 0, geo_.dim,
                     false);
    dst += kernel_.bytes(geo_.keys_a());
    const StridedMatrix v = head_rows(in_.v, b.row, u.head, geo_.dim, false);
    for (int64_t first = 0; first < geo_.dim; first += geo_.mr)
      kernel_.pack_a(dst + kernel_.bytes(first * geo_.block), v, first, std::min(geo_.mr, geo_.dim - first), 0, b.count,
                     false);
  }

  void run_task(const HeadSegment& u, int64_t task, int thread) {
    char* memory = scratch_ + static_cast<size_t>(thread) * scratch_bytes_;
    const Scratch s(geo_, kernel_, Arena(memory, scratch_bytes_));
    const int64_t rows = u.segment->q_count * geo_.group;
    const int64_t first_panel = task * kPanels,
                  panels = std::min(kPanels, geo_.query_panels(u.segment->q_count) - first_panel);
    alignas(64) int32_t limits[kPanels][kMostLanes];
    alignas(64) float max[kPanels][kMostLanes], sum[kPanels][kMostLanes];
    int32_t most[kPanels];
    const StridedMatrix q = stacked_rows(in_.q, u.segment->q_begin, u.head, geo_, true);
    for (int64_t p = 0; p < panels; p++) {
      const int64_t row = (first_panel + p) * geo_.nr;
      kernel_.pack_b(s.queries + kernel_.bytes(p * geo_.queries_b()), q, row, std::min(geo_.nr, rows - row), 0,
                     geo_.dim, false);
      most[p] = panel_limits(c_.plan, *u.segment, first_panel + p, geo_, limits[p]);
      std::fill_n(max[p], geo_.nr, -1e30f);
      std::fill_n(sum[p], geo_.nr, 0.0f);
    }
    std::fill_n(s.sums, panels * geo_.sums(), 0.0f);
    for (int64_t index = 0; index < u.blocks; index++) {
      const KeyBlock b = key_block(c_.plan, *u.segment, geo_.block, index);
      if (b.last && *std::max_element(most, most + panels) <= b.before) break;
      const char* keys = s.keys;
      if (u.first_block >= 0)
        keys = packed_ + static_cast<size_t>(u.first_block + index) * Scratch::block_bytes(geo_, kernel_);
      else
        pack_block(u, index, s.keys);
      for (int64_t p = 0; p < panels; p++)
        attend(b, keys, s.queries + kernel_.bytes(p * geo_.queries_b()), limits[p], most[p], s, max[p], sum[p],
               s.sums + p * geo_.sums());
    }
    for (int64_t p = 0; p < panels; p++) finish(u, first_panel + p, rows, max[p], sum[p], s.sums + p * geo_.sums());
  }

  // Processes one panel of queries over one block of keys.
  void attend(const KeyBlock& b, const char* keys, const char* queries, const int32_t* limits, int32_t most,
              const Scratch& s, float* max, float* sum, float* sums) {
    alignas(64) int32_t seen[kMostLanes];
    alignas(64) float shrink[kMostLanes];
    int64_t count = b.count;
    for (int64_t lane = 0; lane < geo_.nr; lane++)
      seen[lane] = static_cast<int32_t>(b.last ? std::min(b.count, limits[lane] - b.before) : b.count);
    if (b.last) count = std::min(count, most - b.before);
    if (count <= 0) return;
    const int64_t tile = geo_.mr * geo_.nr, tiles = ceil_div(count, geo_.mr);
    kernel_.tiles(geo_.dim, keys, geo_.mr * geo_.dim_k, tiles, queries, s.scores, tile, false, {});
    if (ops_.softmax_block(s.scores, tiles * geo_.mr, seen, c_.shape.scale, max, sum, shrink, s.p, kernel_.packed))
      ops_.scale_lanes(sums, geo_.dim_rows, shrink);
    kernel_.tiles(count, keys + kernel_.bytes(geo_.keys_a()), geo_.mr * geo_.block, geo_.dim_rows / geo_.mr, s.p, sums,
                  tile, true, {});
  }

  void finish(const HeadSegment& u, int64_t panel, int64_t rows, const float* max, const float* sum,
              const float* sums) {
    Run lines[kMostLanes];
    float factor[kMostLanes];
    const int64_t first = panel * geo_.nr, lanes = std::min(geo_.nr, rows - first);
    for (int64_t lane = 0; lane < lanes; lane++) {
      const int64_t m = first + lane;
      lines[lane] = stacked_row(o_, u.segment->q_begin, u.head, m, geo_);
      factor[lane] = sum[lane] > 0 ? 1 / sum[lane] : 0;
      if (lse_)
        lse_[(u.segment->q_begin + m / geo_.group) * c_.shape.heads + u.head * geo_.group + m % geo_.group] =
            max[lane] + std::log(sum[lane]);
    }
    ops_.store_lanes(sums, geo_.dim, lanes, factor, lines);
  }

  const AttentionCall& c_;
  const AttentionGeometry& geo_;
  const PanelKernel& kernel_;
  const AttentionKernels& ops_;
  const Tensor& o_;
  float* lse_;
  const AttentionInputs& in_;
  std::vector<HeadSegment> units_;
  char* packed_ = nullptr;
  char* scratch_ = nullptr;
  size_t scratch_bytes_ = 0;
};

}  // namespace

size_t forward_workspace(const AttentionGeometry& geo, const PanelKernel& kernel, int threads, int64_t rows,
                         int64_t kv_heads) {
  const int64_t block = static_cast<int64_t>(Scratch::block_bytes(geo, kernel));
  const int64_t blocks = (ceil_div(rows, geo.block) + 1) * kv_heads;
  return static_cast<size_t>(std::min(blocks * block, std::max(kMostPacked, block))) +
         static_cast<size_t>(threads) * Scratch::bytes(geo, kernel) + 2 * kAlign;
}

void attention_in_blocks(const AttentionCall& call, const Tensor& o, float* lse, const AttentionInputs& in) {
  Forward(call, o, lse, in).run();
}

}  // namespace vq::cpu
