// Attention of single query rows (decoding): bound by reading keys and values once, in place in the cache.
#include <cmath>

#include "ops/cpu/attention.h"

namespace vq::cpu {
namespace {

constexpr int64_t kChunk = 256;       // minimum keys per task
constexpr int64_t kMostTasks = 2048;  // tasks whose results are kept at a time

struct Task {
  const AttentionSegment* segment;
  int64_t head;
  int64_t range;
  int64_t begin, count;  // keys of the range
};

// Keys of range r visible to the segment's only query.
int64_t seen_keys(const AttentionPlan& plan, const AttentionSegment& s, int64_t r) {
  const int64_t count = plan.ranges[static_cast<size_t>(s.first_range + r)].count;
  return r == s.range_count - 1 ? std::min<int64_t>(count, plan.visible[static_cast<size_t>(s.q_begin)]) : count;
}

int64_t count_tasks(const AttentionPlan& plan, const AttentionSegment& s, int64_t chunk, int64_t heads) {
  int64_t n = 0;
  for (int64_t r = 0; r < s.range_count; r++) n += ceil_div(seen_keys(plan, s, r), chunk);
  return n * heads;
}

class SingleRows {
 public:
  SingleRows(const AttentionCall& call, const Tensor& o, float* lse, const AttentionInputs& in)
      : c_(call), geo_(call.geo), ops_(call.isa.attention), o_(o), lse_(lse), in_(in) {}

  void run() {
    Arena arena(c_.workspace);
    partial_ = geo_.group * (geo_.dim + 2);
    partials_ = arena.take<float>(static_cast<size_t>(kMostTasks * partial_));
    scratch_ = geo_.group * (geo_.dim + kChunk);
    scratches_ = arena.take<float>(static_cast<size_t>(c_.pool.threads() * scratch_));
    for (const AttentionSegment& s : c_.plan.segments) {
      if (s.q_count != 1) continue;
      // Long sequences are split into longer chunks, multiples of kChunk.
      int64_t chunk = kChunk;
      while (count_tasks(c_.plan, s, chunk, c_.shape.kv_heads) > kMostTasks) chunk *= 2;
      if (static_cast<int64_t>(tasks_.size()) + count_tasks(c_.plan, s, chunk, c_.shape.kv_heads) > kMostTasks) flush();
      for (int64_t g = 0; g < c_.shape.kv_heads; g++) {
        groups_.push_back(tasks_.size());
        for (int64_t r = 0; r < s.range_count; r++) {
          const int64_t keys = seen_keys(c_.plan, s, r);
          for (int64_t begin = 0; begin < keys; begin += chunk)
            tasks_.push_back({&s, g, r, begin, std::min(chunk, keys - begin)});
        }
      }
    }
    flush();
  }

 private:
  // The result of task t: for each head its maximum and its sum, then [J][D] weighted sums of values.
  float* partial(size_t task) { return partials_ + static_cast<int64_t>(task) * partial_; }

  void flush() {
    if (tasks_.empty()) return;
    int64_t keys = 0;
    for (const Task& t : tasks_) keys += t.count;
    c_.pool.run(static_cast<int64_t>(tasks_.size()), keys * geo_.dim * (1 + geo_.group / 4),
                [&](int64_t i, int thread) {
                  read(tasks_[static_cast<size_t>(i)], partial(static_cast<size_t>(i)), scratches_ + thread * scratch_);
                });
    for (size_t i = 0; i < groups_.size(); i++)
      combine(groups_[i], i + 1 < groups_.size() ? groups_[i + 1] : tasks_.size());
    tasks_.clear();
    groups_.clear();
  }

  void read(const Task& t, float* out, float* scratch) {
    const int64_t heads = geo_.group, dim = geo_.dim;
    float *max = out, *sum = out + heads, *acc = out + 2 * heads, *q = scratch, *scores = scratch + heads * dim;
    std::fill_n(out, 2 * heads + heads * dim, 0.0f);
    std::fill_n(max, heads, -1e30f);
    for (int64_t j = 0; j < heads; j++) {
      const Run row = stacked_row(in_.q, t.segment->q_begin, t.head, j, geo_);
      c_.isa.vector.convert({q + j * dim, Elem::f32}, {row.data, row.type}, dim);
    }
    const int64_t first = c_.plan.ranges[static_cast<size_t>(t.segment->first_range + t.range)].begin + t.begin;
    for (int64_t at = 0; at < t.count; at += kChunk) {
      const int64_t count = std::min(kChunk, t.count - at);
      const StridedMatrix k = head_rows(in_.k, first + at, t.head, dim, true),
                          v = head_rows(in_.v, first + at, t.head, dim, true);
      ops_.decode_scores(scores, kChunk, q, heads, dim, {k.data, k.type}, k.stride, count, c_.shape.scale);
      for (int64_t j = 0; j < heads; j++) {
        float* p = scores + j * kChunk;
        const float top = std::max(max[j], c_.isa.vector.max(p, count)), shrink = std::exp(max[j] - top);
        for (int64_t d = 0; d < dim; d++) acc[j * dim + d] *= shrink;
        sum[j] = sum[j] * shrink + ops_.exp_sum(p, count, top);
        max[j] = top;
      }
      ops_.decode_values(acc, scores, kChunk, heads, dim, {v.data, v.type}, v.stride, count);
    }
  }

  // The tasks of one segment and key head.
  void combine(size_t begin, size_t end) {
    if (begin == end) return;
    const int64_t heads = geo_.group, dim = geo_.dim;
    const Task& t = tasks_[begin];
    float* total = partial(begin);
    for (size_t i = begin + 1; i < end; i++) {
      const float* part = partial(i);
      for (int64_t j = 0; j < heads; j++) {
        const float top = std::max(total[j], part[j]), a = std::exp(total[j] - top), b = std::exp(part[j] - top);
        float* x = total + 2 * heads + j * dim;
        const float* y = part + 2 * heads + j * dim;
        for (int64_t d = 0; d < dim; d++) x[d] = x[d] * a + y[d] * b;
        total[heads + j] = total[heads + j] * a + part[heads + j] * b;
        total[j] = top;
      }
    }
    for (int64_t j = 0; j < heads; j++) {
      float* x = total + 2 * heads + j * dim;
      for (int64_t d = 0; d < dim; d++) x[d] /= total[heads + j];
      c_.isa.vector.convert(stacked_row(o_, t.segment->q_begin, t.head, j, geo_), {x, Elem::f32}, dim);
      if (lse_) lse_[t.segment->q_begin * c_.shape.heads + t.head * heads + j] = total[j] + std::log(total[heads + j]);
    }
  }

  const AttentionCall& c_;
  const AttentionGeometry& geo_;
  const AttentionKernels& ops_;
  const Tensor& o_;
  float* lse_;
  const AttentionInputs& in_;
  std::vector<Task> tasks_;
  std::vector<size_t> groups_;  // first task of each segment and key head
  float *partials_ = nullptr, *scratches_ = nullptr;
  int64_t partial_ = 0, scratch_ = 0;
};

}  // namespace

size_t single_rows_workspace(const AttentionGeometry& geo, int threads) {
  return 4 * aligned(static_cast<size_t>(kMostTasks * geo.group * (geo.dim + 2))) +
         4 * aligned(static_cast<size_t>(threads * geo.group * (geo.dim + kChunk))) + 4 * kAlign;
}

void attention_of_single_rows(const AttentionCall& call, const Tensor& o, float* lse, const AttentionInputs& in) {
  SingleRows(call, o, lse, in).run();
}

}  // namespace vq::cpu
