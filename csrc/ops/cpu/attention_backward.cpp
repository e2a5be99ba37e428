// Attention backward: five GEMMs for each block of keys and group of query panels,
//   S^T = K Q^T,  dP^T = V dO^T,  dV += P^T dO,  dK += dS^T Q,  dQ^T += K^T dS^T,
// with P recomputed from the log-sums saved by the forward pass. A task processes blocks of keys, whose dK and dV it
// alone accumulates; dQ is accumulated in a buffer per chunk of blocks, and the chunks are added in order at the end.
#include "ops/cpu/attention.h"

namespace vq::cpu {
namespace {

constexpr int64_t kPanels = 4;      // query panels processed at a time
constexpr int64_t kMostChunks = 4;  // per unit

struct HeadSegment {
  const AttentionSegment* segment;
  int64_t head;
  char* memory;
};

// The offsets of the packed operands of a unit, in bytes.
struct Layout {
  Layout(const AttentionGeometry& geo, const PanelKernel& kernel, int64_t q_count, int64_t keys, int64_t chunks) {
    blocks = ceil_div(keys, geo.block);
    panels = geo.query_panels(q_count);
    const auto place = [&](int64_t bytes) {
      const int64_t offset = total;
      total += static_cast<int64_t>(aligned(static_cast<size_t>(bytes)));
      return offset;
    };
    k = place(kernel.bytes(blocks * geo.keys_a()));
    v = place(kernel.bytes(blocks * geo.keys_a()));
    k_transposed = place(kernel.bytes(blocks * geo.transposed_a()));
    q = place(kernel.bytes(panels * geo.queries_b()));
    dout = place(kernel.bytes(panels * geo.queries_b()));
    rows_panel = panels * geo.nr * geo.nr;
    q_rows = place(kernel.bytes(geo.dim_panels * rows_panel));
    dout_rows = place(kernel.bytes(geo.dim_panels * rows_panel));
    lse = place(4 * panels * geo.nr);
    delta = place(4 * panels * geo.nr);
    limits = place(4 * panels * geo.nr);
    most = place(4 * panels);
    dq_chunk = panels * geo.sums();
    dq = place(4 * chunks * dq_chunk);
  }
  int64_t blocks, panels;
  int64_t k, v;                // [blocks] A panels: keys, values over D
  int64_t k_transposed;        // [blocks] A panels: D over keys
  int64_t q, dout;             // [panels] B panels: stacked queries, gradients of outputs over D
  int64_t q_rows, dout_rows;   // [dim_panels] B panels: D over stacked queries
  int64_t rows_panel;          // elements per panel of q_rows or dout_rows
  int64_t lse, delta, limits;  // [panels][nr] f32, f32, int32
  int64_t most;                // [panels] int32: the largest limit
  int64_t dq, dq_chunk;        // [chunks][panels][D][nr] f32; elements of a chunk
  int64_t total = 0;
};

// Per-thread buffers.
struct Scratch {
  Scratch(const AttentionGeometry& geo, const PanelKernel& kernel, Arena arena)
      : s(arena.take<float>(static_cast<size_t>(geo.block * geo.nr))),
        dp(arena.take<float>(static_cast<size_t>(geo.block * geo.nr))),
        p_a(static_cast<char*>(arena.take_bytes(square(geo, kernel)))),
        ds_a(static_cast<char*>(arena.take_bytes(square(geo, kernel)))),
        ds_b(static_cast<char*>(arena.take_bytes(square(geo, kernel)))),
        dk(arena.take<float>(static_cast<size_t>(geo.block * geo.nr * geo.dim_panels))),
        dv(arena.take<float>(static_cast<size_t>(geo.block * geo.nr * geo.dim_panels))) {}
  static size_t square(const AttentionGeometry& geo, const PanelKernel& kernel) {
    return static_cast<size_t>(kernel.bytes(geo.block * geo.nr * kPanels));
  }
  static size_t bytes(const AttentionGeometry& geo, const PanelKernel& kernel) {
    return 2 * aligned(static_cast<size_t>(4 * geo.block * geo.nr)) + 3 * aligned(square(geo, kernel)) +
           2 * aligned(static_cast<size_t>(4 * geo.block * geo.nr * geo.dim_panels));
  }
  float *s, *dp;     // [block][nr]
  char *p_a, *ds_a;  // A panels: [key tiles][kPanels] pieces of mr keys x nr queries
  char* ds_b;        // [kPanels] B panels: queries over keys
  float *dk, *dv;    // [dim_panels][key tiles][mr][nr]
};

struct Gradients {
  Tensor dq, dk, dv, dout, out;
  const float* lse;
};

class Backward {
 public:
  Backward(const AttentionCall& call, const Gradients& grads, const AttentionInputs& in)
      : c_(call),
        geo_(call.geo),
        kernel_(call.kernel),
        ops_(call.isa.attention),
        g_(grads),
        in_(in),
        tile_(geo_.mr * geo_.nr) {}

  void run() {
    Arena arena(c_.workspace);
    scratch_bytes_ = Scratch::bytes(geo_, kernel_);
    scratch_ = static_cast<char*>(arena.take_bytes(scratch_bytes_ * static_cast<size_t>(c_.pool.threads())));
    const int64_t threads = c_.pool.threads();
    const int64_t all = static_cast<int64_t>(c_.plan.segments.size()) * c_.shape.kv_heads;
    chunks_ = all >= 2 * threads || all % threads == 0 ? 1 : std::min(kMostChunks, ceil_div(2 * threads, all));
    const Arena whole = arena;
    for (int64_t g = 0; g < c_.shape.kv_heads; g++)
      for (const AttentionSegment& s : c_.plan.segments) {
        const size_t bytes = static_cast<size_t>(layout(s).total);
        if (bytes > arena.left()) {
          run_batch();
          units_.clear();
          arena = whole;
        }
        units_.push_back({&s, g, static_cast<char*>(arena.take_bytes(bytes))});
      }
    run_batch();
  }

 private:
  Layout layout(const AttentionSegment& s) const {
    return Layout(geo_, kernel_, s.q_count, c_.plan.ranges[static_cast<size_t>(s.first_range)].count, chunks_);
  }
  template <class T = char>
  static T* in(const HeadSegment& u, int64_t offset) {
    return reinterpret_cast<T*>(u.memory + offset);
  }
  KeyBlock block(const HeadSegment& u, int64_t index) const {
    return key_block(c_.plan, *u.segment, geo_.block, index);
  }

  // Runs body(unit, layout, i) for i < count(layout) of every unit of the batch.
  template <class Count, class Body>
  void over_units(int64_t work, Count count, Body body) {
    starts_.assign(1, 0);
    for (const HeadSegment& u : units_) starts_.push_back(starts_.back() + count(layout(*u.segment)));
    c_.pool.run(starts_.back(), work, [&](int64_t task, int thread) {
      const auto next = std::upper_bound(starts_.begin(), starts_.end(), task);
      const size_t i = static_cast<size_t>(next - starts_.begin()) - 1;
      body(units_[i], layout(*units_[i].segment), task - starts_[i], thread);
    });
  }

  void run_batch() {
    if (units_.empty()) return;
    int64_t rows = 0, work = 0;  // rows of queries and keys; of two of the five GEMMs
    for (const HeadSegment& u : units_) {
      rows += u.segment->q_count * geo_.group + c_.plan.ranges[static_cast<size_t>(u.segment->first_range)].count;
      work += attention_work(c_.plan, *u.segment, geo_);
    }
    over_units(
        2 * rows * geo_.dim, [&](const Layout& l) { return l.blocks + l.panels + geo_.dim_panels; },
        [&](const HeadSegment& u, const Layout& l, int64_t i, int) {
          if (i < l.blocks) return pack_keys(u, l, i);
          if (i < l.blocks + l.panels) return pack_queries(u, l, i - l.blocks);
          pack_query_rows(u, l, i - l.blocks - l.panels);
        });
    over_units(
        3 * work, [&](const Layout&) { return chunks_; },
        [&](const HeadSegment& u, const Layout& l, int64_t chunk, int thread) { run_chunk(u, l, chunk, thread); });
    over_units(
        rows * geo_.dim, [&](const Layout& l) { return l.panels; },
        [&](const HeadSegment& u, const Layout& l, int64_t panel, int) { store_dq(u, l, panel); });
  }

  void pack_keys(const HeadSegment& u, const Layout& l, int64_t index) {
    const KeyBlock b = block(u, index);
    const StridedMatrix k = head_rows(in_.k, b.row, u.head, geo_.dim, true),
                        v = head_rows(in_.v, b.row, u.head, geo_.dim, true);
    char* k_dst = in(u, l.k + kernel_.bytes(index * geo_.keys_a()));
    char* v_dst = in(u, l.v + kernel_.bytes(index * geo_.keys_a()));
    for (int64_t first = 0; first < b.count; first += geo_.mr) {
      const int64_t count = std::min(geo_.mr, b.count - first), offset = kernel_.bytes(first * geo_.dim_k);
      kernel_.pack_a(k_dst + offset, k, first, count, 0, geo_.dim, false);
      kernel_.pack_a(v_dst + offset, v, first, count, 0, geo_.dim, false);
    }
    StridedMatrix turned = k;
    turned.along_k = false;
    char* t_dst = in(u, l.k_transposed + kernel_.bytes(index * geo_.transposed_a()));
    for (int64_t first = 0; first < geo_.dim; first += geo_.mr)
      kernel_.pack_a(t_dst + kernel_.bytes(first * geo_.block), turned, first, std::min(geo_.mr, geo_.dim - first), 0,
                     b.count, false);
  }

  void pack_queries(const HeadSegment& u, const Layout& l, int64_t panel) {
    const AttentionSegment& s = *u.segment;
    const int64_t first = panel * geo_.nr, count = std::min(geo_.nr, s.q_count * geo_.group - first);
    const int64_t offset = kernel_.bytes(panel * geo_.queries_b());
    kernel_.pack_b(in(u, l.q + offset), stacked_rows(in_.q, s.q_begin, u.head, geo_, true), first, count, 0, geo_.dim,
                   false);
    kernel_.pack_b(in(u, l.dout + offset), stacked_rows(g_.dout, s.q_begin, u.head, geo_, true), first, count, 0,
                   geo_.dim, false);
    in<int32_t>(u, l.most)[panel] = panel_limits(c_.plan, s, panel, geo_, in<int32_t>(u, l.limits) + first);
    float *lse = in<float>(u, l.lse) + first, *delta = in<float>(u, l.delta) + first;
    for (int64_t lane = 0; lane < geo_.nr; lane++) {
      lse[lane] = delta[lane] = 0;
      if (lane >= count) continue;
      const int64_t m = first + lane, head = u.head * geo_.group + m % geo_.group;
      lse[lane] = g_.lse[(s.q_begin + m / geo_.group) * c_.shape.heads + head];
      const Run a = stacked_row(g_.dout, s.q_begin, u.head, m, geo_),
                b = stacked_row(g_.out, s.q_begin, u.head, m, geo_);
      delta[lane] = c_.isa.vector.dot({a.data, a.type}, {b.data, b.type}, geo_.dim);
    }
    for (int64_t chunk = 0; chunk < chunks_; chunk++)
      std::fill_n(in<float>(u, l.dq) + chunk * l.dq_chunk + panel * geo_.sums(), geo_.sums(), 0.0f);
  }

  void pack_query_rows(const HeadSegment& u, const Layout& l, int64_t panel) {
    const AttentionSegment& s = *u.segment;
    const int64_t first = panel * geo_.nr, count = std::min(geo_.nr, geo_.dim - first),
                  offset = kernel_.bytes(panel * l.rows_panel);
    const int64_t rows = s.q_count * geo_.group;
    kernel_.pack_b(in(u, l.q_rows + offset), stacked_rows(in_.q, s.q_begin, u.head, geo_, false), first, count, 0, rows,
                   false);
    kernel_.pack_b(in(u, l.dout_rows + offset), stacked_rows(g_.dout, s.q_begin, u.head, geo_, false), first, count, 0,
                   rows, false);
  }

  void run_chunk(const HeadSegment& u, const Layout& l, int64_t chunk, int thread) {
    const Scratch s(geo_, kernel_, Arena(scratch_ + static_cast<size_t>(thread) * scratch_bytes_, scratch_bytes_));
    const int32_t* most = in<int32_t>(u, l.most);
    // Interleaved, so that chunks of a causal window have about the same cost.
    for (int64_t index = chunk; index < l.blocks; index += chunks_) {
      const KeyBlock b = block(u, index);
      const int64_t tiles = ceil_div(b.count, geo_.mr);
      std::fill_n(s.dk, geo_.dim_panels * tiles * tile_, 0.0f);
      std::fill_n(s.dv, geo_.dim_panels * tiles * tile_, 0.0f);
      int64_t panel = 0;
      while (panel < l.panels && most[panel] <= b.before) panel++;
      for (; panel < l.panels; panel += kPanels)
        run_panels(u, l, chunk, index, b, panel, std::min(kPanels, l.panels - panel), s);
      store_keys(u, b, g_.dk, s.dk);
      store_keys(u, b, g_.dv, s.dv);
    }
  }

  // All five GEMMs of a block of keys with a group of query panels.
  void run_panels(const HeadSegment& u, const Layout& l, int64_t chunk, int64_t index, const KeyBlock& b, int64_t first,
                  int64_t panels, const Scratch& s) {
    const int64_t tiles = ceil_div(b.count, geo_.mr), row_tiles = kPanels * tile_;
    const int64_t keys_at = kernel_.bytes(index * geo_.keys_a());
    for (int64_t p = 0; p < panels; p++) {
      const int64_t panel = first + p, lane = panel * geo_.nr, at = kernel_.bytes(panel * geo_.queries_b());
      alignas(64) int32_t seen[kMostLanes];
      for (int64_t i = 0; i < geo_.nr; i++)
        seen[i] = static_cast<int32_t>(std::min(b.count, in<int32_t>(u, l.limits)[lane + i] - b.before));
      kernel_.tiles(geo_.dim, in(u, l.k + keys_at), geo_.mr * geo_.dim_k, tiles, in(u, l.q + at), s.s, tile_, false,
                    {});
      kernel_.tiles(geo_.dim, in(u, l.v + keys_at), geo_.mr * geo_.dim_k, tiles, in(u, l.dout + at), s.dp, tile_, false,
                    {});
      char* ds_b = s.ds_b + kernel_.bytes(p * geo_.block * geo_.nr);
      ops_.softmax_backward_block(s.s, s.dp, tiles * geo_.mr, static_cast<int>(geo_.mr), seen, c_.shape.scale,
                                  in<float>(u, l.lse) + lane, in<float>(u, l.delta) + lane,
                                  s.p_a + kernel_.bytes(p * tile_), s.ds_a + kernel_.bytes(p * tile_), row_tiles, ds_b,
                                  kernel_.packed);
      kernel_.tiles(b.count, in(u, l.k_transposed + kernel_.bytes(index * geo_.transposed_a())), geo_.mr * geo_.block,
                    geo_.dim_rows / geo_.mr, ds_b, in<float>(u, l.dq) + chunk * l.dq_chunk + panel * geo_.sums(), tile_,
                    true, {});
    }
    const int64_t queries = panels * geo_.nr;
    for (int64_t d = 0; d < geo_.dim_panels; d++) {
      const int64_t rows_at = kernel_.bytes(d * l.rows_panel + first * geo_.nr * geo_.nr);
      float *dv = s.dv + d * tiles * tile_, *dk = s.dk + d * tiles * tile_;
      kernel_.tiles(queries, s.p_a, row_tiles, tiles, in(u, l.dout_rows + rows_at), dv, tile_, true, {});
      kernel_.tiles(queries, s.ds_a, row_tiles, tiles, in(u, l.q_rows + rows_at), dk, tile_, true, {});
    }
  }

  void store_keys(const HeadSegment& u, const KeyBlock& b, const Tensor& t, const float* sums) {
    const int64_t tiles = ceil_div(b.count, geo_.mr);
    for (int64_t d = 0; d < geo_.dim_panels; d++) {
      const int64_t first = d * geo_.nr, cols = std::min(geo_.nr, geo_.dim - first);
      const Tensor part = t.row_range(b.row, b.count).columns(u.head * geo_.dim + first, cols);
      for (int64_t i = 0; i < tiles; i++)
        c_.isa.vector.store_tile(sums + (d * tiles + i) * tile_, geo_.nr, std::min(geo_.mr, b.count - i * geo_.mr),
                                 cols, run_at(part, i * geo_.mr), t.stride, 1, {nullptr, Elem::f32}, 0);
    }
  }

  void store_dq(const HeadSegment& u, const Layout& l, int64_t panel) {
    float* sum = in<float>(u, l.dq) + panel * geo_.sums();
    for (int64_t chunk = 1; chunk < chunks_; chunk++)
      c_.isa.vector.add({sum, Elem::f32}, {sum, Elem::f32}, {sum + chunk * l.dq_chunk, Elem::f32}, geo_.sums());
    Run lines[kMostLanes];
    float factor[kMostLanes];
    const int64_t first = panel * geo_.nr, lanes = std::min(geo_.nr, u.segment->q_count * geo_.group - first);
    for (int64_t lane = 0; lane < lanes; lane++) {
      lines[lane] = stacked_row(g_.dq, u.segment->q_begin, u.head, first + lane, geo_);
      factor[lane] = 1;
    }
    ops_.store_lanes(sum, geo_.dim, lanes, factor, lines);
  }

  const AttentionCall& c_;
  const AttentionGeometry& geo_;
  const PanelKernel& kernel_;
  const AttentionKernels& ops_;
  const Gradients& g_;
  const AttentionInputs& in_;
  const int64_t tile_;
  int64_t chunks_ = 1;
  std::vector<HeadSegment> units_;
  std::vector<int64_t> starts_;
  char* scratch_ = nullptr;
  size_t scratch_bytes_ = 0;
};

}  // namespace

size_t backward_workspace(const AttentionGeometry& geo, const PanelKernel& kernel, int threads, int64_t rows,
                          int64_t kv_heads) {
  // A single window with all the rows needs the most; heads beyond the number of threads wait for a free thread.
  const int64_t units = std::min<int64_t>(kv_heads, std::max(2, threads));
  const Layout l(geo, kernel, rows, rows, units < 2 * threads && units % threads ? kMostChunks : 1);
  return static_cast<size_t>(units * l.total) + static_cast<size_t>(threads) * Scratch::bytes(geo, kernel) + 2 * kAlign;
}

void CpuDevice::attention_backward(const Tensor& dq, const Tensor& dk, const Tensor& dv, const Tensor& dout,
                                   const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out,
                                   const float* lse, const AttentionShape& shape, const AttentionPlan& plan) {
  int64_t queries = 0, keys = 0;
  for (const AttentionSegment& s : plan.segments) {
    queries += s.q_count;
    keys += plan.ranges[static_cast<size_t>(s.first_range)].count;
  }
  // Rows outside every segment get no gradient.
  if (queries < dq.rows) zero(dq);
  if (keys < dk.rows) {
    zero(dk);
    zero(dv);
  }
  const PanelKernel& kernel = panels(q.dtype);
  const AttentionCall call = {isa_, kernel, pool_, workspace_, shape, plan, AttentionGeometry(kernel, shape)};
  Backward(call, {dq, dk, dv, dout, out, lse}, {q, k, v}).run();
}

void CpuDevice::attention(const Tensor& o, float* lse, const Tensor& q, const Tensor& k, const Tensor& v,
                          const AttentionShape& shape, const AttentionPlan& plan) {
  const PanelKernel& kernel = panels(q.dtype);
  const AttentionCall call = {isa_, kernel, pool_, workspace_, shape, plan, AttentionGeometry(kernel, shape)};
  const AttentionInputs in = {q, k, v};
  bool single = false, several = false;
  for (const AttentionSegment& s : plan.segments) (s.q_count == 1 ? single : several) = true;
  if (several) attention_in_blocks(call, o, lse, in);
  if (single) attention_of_single_rows(call, o, lse, in);
}

size_t attention_workspace(const IsaKernels& isa, int threads, int64_t rows, const AttentionShape& shape) {
  size_t most = 0;
  for (const PanelKernel* kernel : {&isa.f32, &isa.bf16}) {
    const AttentionGeometry geo(*kernel, shape);
    most = std::max({most, forward_workspace(geo, *kernel, threads, rows, shape.kv_heads),
                     backward_workspace(geo, *kernel, threads, rows, shape.kv_heads),
                     single_rows_workspace(geo, threads)});
  }
  return most;
}

}  // namespace vq::cpu
