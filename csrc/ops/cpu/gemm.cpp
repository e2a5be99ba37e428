#include "ops/cpu/gemm.h"

#include <algorithm>

#include "ops/cpu/quantized.h"

namespace vq::cpu {
namespace {

// Packing slab sizes in bytes. They bound the workspace for large matrices; a slab of b should fit in the last-level
// cache.
constexpr int64_t kSlabA = int64_t{16} << 20, kSlabB = int64_t{26} << 20;
// Longer sums are split, and the partial sums are added in memory.
constexpr int64_t kLongestK = 32768;
constexpr int64_t kLongSums = int64_t{8} << 20;  // bytes of partial sums at a time

// From this many columns on, repacking a block of a pays off.
constexpr int64_t kManyColumns = 1024;

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Blocks {
  int64_t rows, cols;  // number along m and n: block i of rows covers row panels part(i) .. part(i + 1)
};

// The first of `n` items of part i of `parts`.
constexpr int64_t part(int64_t i, int64_t parts, int64_t n) { return i * n / parts; }

// Splits a slab of row_panels x col_panels into tasks: cache-sized, or smaller if threads would be idle. Tall blocks
// reuse the panels of b, wide ones the block of a; with sums in memory (several blocks of k) both have an upper limit.
Blocks choose_blocks(const PanelKernel& kernel, int threads, int64_t row_panels, int64_t col_panels, bool sums) {
  int64_t rows = std::min(row_panels, kernel.mc / kernel.mr);
  int64_t cols = sums ? std::min(col_panels, kernel.nc / kernel.nr) : col_panels;
  const auto tasks = [&] { return ceil_div(row_panels, rows) * ceil_div(col_panels, cols); };
  const int64_t wanted = threads == 1 ? 1 : 4 * threads;
  while (tasks() < wanted && (rows > 4 || cols > 4)) {
    if (cols > 4 && (rows <= 4 || cols * kernel.nr >= rows * kernel.mr))
      cols = ceil_div(cols, 2);
    else
      rows = ceil_div(rows, 2);
  }
  Blocks blocks = {ceil_div(row_panels, rows), ceil_div(col_panels, cols)};
  // The same number of tasks for each thread.
  while (blocks.rows * blocks.cols % threads != 0 && blocks.rows < row_panels && rows > 4) blocks.rows++;
  return blocks;
}

struct Scratch {
  char* a;
  char* b;
  char* threads;
  int64_t a_bytes, b_bytes, thread_bytes;
  float* long_sums;
};

int64_t sums_bytes(const PanelKernel& kernel) { return kernel.mc * kernel.nc * 4; }
int64_t thread_bytes(const PanelKernel& kernel) {
  return static_cast<int64_t>(aligned(sums_bytes(kernel) + kernel.bytes(kernel.mc * kernel.kc)));
}

// The sizes of the parts of the workspace for largest dimensions big >= mid.
void scratch_sizes(const PanelKernel& kernel, int64_t big, int64_t mid, Scratch& s) {
  const int64_t k = kernel.padded_k(std::min(big, kLongestK)) + 4 * kernel.nr;  // each piece is padded separately
  const int64_t mid_k = kernel.padded_k(std::min(mid, kLongestK)) + 4 * kernel.nr;
  const auto slab = [&](int64_t cap, int64_t unit, int64_t longest) {
    const int64_t whole =
        kernel.bytes(std::max((ceil_div(mid, unit) + 4) * unit * k, (ceil_div(big, unit) + 4) * unit * mid_k));
    return static_cast<int64_t>(aligned(std::max(kernel.bytes(unit * longest), std::min(cap, whole))));
  };
  s.a_bytes = slab(kSlabA, kernel.mr, kernel.padded_k(big) + 4 * kernel.nr);  // b packed in advance is never split in k
  s.b_bytes = slab(kSlabB, kernel.nr, k);
  s.thread_bytes = thread_bytes(kernel);
}

class Multiplication {
 public:
  Multiplication(const GemmCall& p, const PanelKernel& kernel, const VectorKernels& vector, Pool& pool,
                 const Scratch& s)
      : p_(p),
        kernel_(kernel),
        vector_(vector),
        pool_(pool),
        s_(s),
        k_(p.b.padded_k(kernel)),
        last_k_(p.b.pieces.size() > 1 && p.b.along_k ? k_ : p.b.k()),
        k_blocks_(ceil_div(k_, kernel.kc)),
        k_step_(kernel.padded_k(ceil_div(k_, k_blocks_))) {}

  void run() {
    const int64_t row_panels = ceil_div(p_.m, kernel_.mr), col_panels = p_.b.panels(kernel_);
    const int64_t a_panel = kernel_.bytes(kernel_.mr * k_), b_panel = p_.b.panel_bytes(kernel_);
    const int64_t b_slab = p_.packed_b ? col_panels : std::clamp<int64_t>(s_.b_bytes / b_panel, 1, col_panels);
    const Blocks blocks = choose_blocks(kernel_, pool_.threads(), row_panels, b_slab, k_blocks_ > 1);
    late_a_ = !uneven_pieces() &&
              (blocks.cols == ceil_div(col_panels, b_slab) || b_slab * kernel_.nr >= kManyColumns * blocks.cols);
    const int64_t a_slab = late_a_ ? row_panels : std::max<int64_t>(1, s_.a_bytes / a_panel);
    for (int64_t i = 0; i < row_panels; i += a_slab)
      for (int64_t j = 0; j < col_panels; j += b_slab)
        run_slab(i, std::min(a_slab, row_panels - i), j, std::min(b_slab, col_panels - j), j == 0,
                 i == 0 || b_slab < col_panels);
  }

 private:
  // Pieces along k that are not contiguous in packed a.
  bool uneven_pieces() const {
    for (const WeightSlice& piece : p_.b.pieces)
      if (p_.b.along_k && p_.b.pieces.size() > 1 && piece.k % kernel_.nr != 0) return true;
    return false;
  }

  void run_slab(int64_t row, int64_t rows, int64_t col, int64_t cols, bool new_a, bool new_b) {
    const Blocks blocks = choose_blocks(kernel_, pool_.threads(), rows, cols, k_blocks_ > 1);
    pack(row, late_a_ || !new_a ? 0 : rows, col, p_.packed_b || !new_b ? 0 : cols);
    const char* b = p_.packed_b ? static_cast<const char*>(p_.packed_b) : s_.b;
    pool_.run(blocks.rows * blocks.cols, rows * kernel_.mr * cols * kernel_.nr * k_ / 32,
              [&](int64_t task, int thread) {
                const int64_t x = task % blocks.rows, y = task / blocks.rows;
                const int64_t i = part(x, blocks.rows, rows), j = part(y, blocks.cols, cols);
                run_block(row, i, part(x + 1, blocks.rows, rows) - i, col, j, part(y + 1, blocks.cols, cols) - j, b,
                          s_.threads + thread * s_.thread_bytes);
              });
  }

  void pack(int64_t row, int64_t rows, int64_t col, int64_t cols) {
    const int64_t group = 4;  // panels per task
    const int64_t a_tasks = ceil_div(rows, group), b_tasks = ceil_div(cols, group);
    pool_.run(a_tasks + b_tasks, (rows * kernel_.mr + cols * kernel_.nr) * k_, [&](int64_t task, int) {
      if (task < a_tasks) {
        for (int64_t i = task * group; i < std::min(rows, (task + 1) * group); i++)
          pack_a_panel(row + i, s_.a + i * kernel_.bytes(kernel_.mr * k_));
      } else {
        task -= a_tasks;
        for (int64_t j = task * group; j < std::min(cols, (task + 1) * group); j++)
          p_.b.pack_panel(kernel_, col + j, s_.b + j * p_.b.panel_bytes(kernel_), p_.round);
      }
    });
  }

  void pack_a_panel(int64_t panel, char* dst) {
    const int64_t first = panel * kernel_.mr, count = std::min<int64_t>(kernel_.mr, p_.m - first);
    if (!p_.b.along_k) return kernel_.pack_a(dst, p_.a, first, count, 0, p_.b.k(), p_.round);
    int64_t k = 0;
    for (const WeightSlice& piece : p_.b.pieces) {
      kernel_.pack_a(dst, p_.a, first, count, k, piece.k, p_.round);
      dst += kernel_.bytes(kernel_.mr * kernel_.padded_k(piece.k));
      k += piece.k;
    }
  }

  // The block of c at row panels row + i ... and column panels col + j ...; i and j count from the start of the slab.
  void run_block(int64_t row, int64_t i, int64_t rows, int64_t col, int64_t j, int64_t cols, const char* b,
                 char* scratch) {
    const int64_t tile = kernel_.mr * kernel_.nr, b_panel = p_.b.panel_bytes(kernel_);
    float* sums = reinterpret_cast<float*>(scratch);  // [cols][rows] tiles, or [rows] of them when k is one block
    char* own_a = scratch + sums_bytes(kernel_);
    for (int64_t k0 = 0; k0 < k_; k0 += k_step_) {
      const int64_t k = std::min(k_step_, last_k_ - k0);
      const bool first = k0 == 0, last = k0 + k_step_ >= k_;
      const char* a;
      int64_t a_stride;  // elements between panels
      if (late_a_) {
        a = own_a;
        a_stride = kernel_.mr * kernel_.padded_k(k);
        for (int64_t r = 0; r < rows; r++) {
          const int64_t from = (row + i + r) * kernel_.mr;
          kernel_.pack_a(own_a + kernel_.bytes(r * a_stride), p_.a, from, std::min<int64_t>(kernel_.mr, p_.m - from),
                         k0, k, p_.round);
        }
      } else {
        a_stride = kernel_.mr * k_;
        a = s_.a + kernel_.bytes(i * a_stride + k0 * kernel_.mr);
      }
      for (int64_t c = 0; c < cols; c++) {
        const char* panel = b + (j + c) * b_panel + kernel_.bytes(k0 * kernel_.nr);
        // While a panel is multiplied, the next one is prefetched: of this block, or the first of the next.
        Prefetch ahead = {c + 1 < cols ? panel + b_panel : panel + kernel_.bytes(k * kernel_.nr) - (cols - 1) * b_panel,
                          c + 1 < cols || !last ? kernel_.bytes(k * kernel_.nr) : 0};
        float* column = sums + c * rows * tile;
        if (last)
          finish_column(k, a, a_stride, row + i, rows, panel, col + j + c, first ? sums : column, first ? 0 : tile,
                        !first, ahead);
        else
          kernel_.tiles(k, a, a_stride, rows, panel, column, tile, !first, ahead);
      }
    }
  }

  // The last block of k of a column of tiles: computes a few tiles at a time and stores them while they are in L1.
  void finish_column(int64_t k, const char* a, int64_t a_stride, int64_t row_panel, int64_t rows, const char* b,
                     int64_t col_panel, float* tiles, int64_t tile_stride, bool accumulate, Prefetch ahead) {
    const int64_t tile = kernel_.mr * kernel_.nr;
    int64_t col, cols;
    p_.b.columns(kernel_, col_panel, col, cols);
    const auto at = [&](const void* data, Elem type, int64_t stride, int64_t row) {
      return data ? static_cast<const char*>(data) + (row * stride + col) * elem_size(type) : nullptr;
    };
    const int64_t line = p_.c_stride * elem_size(p_.c.type), bytes = cols * elem_size(p_.c.type);
    ahead.bytes /= rows;
    for (int64_t r = 0; r < rows; r += kernel_.together) {
      const int64_t n = std::min(kernel_.together, rows - r), row = (row_panel + r) * kernel_.mr;
      const int64_t count = std::min(n * kernel_.mr, p_.m - row);
      char* c = const_cast<char*>(at(p_.c.data, p_.c.type, p_.c_stride, row));
      // The lines of c are too far apart for the hardware prefetcher.
      for (int64_t m = 0; m < count; m++)
        for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(c + m * line + i, 1);
      kernel_.tiles(k, a + kernel_.bytes(r * a_stride), a_stride, n, b, tiles, tile, accumulate,
                    {ahead.data + r * ahead.bytes, n * ahead.bytes});
      vector_.store_tile(tiles, kernel_.nr, count, cols, {c, p_.c.type}, p_.c_stride, p_.alpha,
                         {at(p_.add.data, p_.add.type, p_.add_stride, row), p_.add.type}, p_.add_stride);
      tiles += n * tile_stride;
    }
  }

  const GemmCall& p_;
  const PanelKernel& kernel_;
  const VectorKernels& vector_;
  Pool& pool_;
  const Scratch& s_;
  const int64_t k_;       // padded
  const int64_t last_k_;  // where the last k block ends
  const int64_t k_blocks_;
  const int64_t k_step_;
  bool late_a_ = false;  // a block of a is packed by its task, into memory that stays in the cache
};

// Sums over more than kLongestK: split in k; partial sums are added in f32, some rows at a time.
void multiply_long(const GemmCall& p, const PanelKernel& kernel, const VectorKernels& vector, Pool& pool,
                   const Scratch& s) {
  const int64_t n = p.b.n(), rows_at_once = std::max<int64_t>(1, kLongSums / 4 / n);
  for (int64_t row = 0; row < p.m; row += rows_at_once) {
    const int64_t rows = std::min(rows_at_once, p.m - row);
    const auto move = [](const void* data, Elem type, int64_t elements) {
      return data ? static_cast<const char*>(data) + elements * elem_size(type) : nullptr;
    };
    const auto cut_lines = [&](StridedMatrix x, bool along_k, int64_t line, int64_t k) {
      x.data = move(x.data, x.type, along_k ? line * x.stride + k : line + k * x.stride);
      return x;
    };
    int64_t k_before = 0;
    for (const WeightSlice& piece : p.b.pieces) {
      for (int64_t k = 0; k < piece.k; k += kLongestK) {
        const WeightSlice part = {cut_lines(piece.lines, piece.lines.along_k, 0, k), piece.n,
                                  std::min(kLongestK, piece.k - k), piece.quantized, piece.first_k + k};
        GemmCall q = {.m = rows,
                      .a = cut_lines(p.a, p.a.along_k, row, k_before + k),
                      .b = {{&part, 1}, true},
                      .round = p.round,
                      .c = {s.long_sums, Elem::f32},
                      .c_stride = n};
        if (k_before + k > 0) {
          q.add = {s.long_sums, Elem::f32};
          q.add_stride = n;
        }
        Multiplication(q, kernel, vector, pool, s).run();
      }
      k_before += piece.k;
    }
    pool.ranges(rows, n, [&](int64_t begin, int64_t end, int) {
      vector.store_tile(s.long_sums + begin * n, n, end - begin, n,
                        {const_cast<char*>(move(p.c.data, p.c.type, (row + begin) * p.c_stride)), p.c.type}, p.c_stride,
                        p.alpha, {move(p.add.data, p.add.type, (row + begin) * p.add_stride), p.add.type},
                        p.add_stride);
    });
  }
}

}  // namespace

void WeightSlice::pack_panel(const PanelKernel& kernel, void* dst, int64_t first, int64_t count, bool round) const {
  if (!quantized) return kernel.pack_b(dst, lines, first, count, 0, k, round);
  pack_quantized(*quantized, kernel, dst, lines.along_k, first, count, first_k, k, round);
}

int64_t Stack::n() const {
  int64_t n = 0;
  for (const WeightSlice& piece : pieces) n = along_k ? piece.n : n + piece.n;
  return n;
}

int64_t Stack::k() const {
  int64_t k = 0;
  for (const WeightSlice& piece : pieces) k = along_k ? k + piece.k : piece.k;
  return k;
}

int64_t Stack::panels(const PanelKernel& kernel) const {
  int64_t panels = 0;
  for (const WeightSlice& piece : pieces) panels = (along_k ? 0 : panels) + ceil_div(piece.n, kernel.nr);
  return panels;
}

int64_t Stack::padded_k(const PanelKernel& kernel) const {
  int64_t k = 0;
  for (const WeightSlice& piece : pieces) k = (along_k ? k : 0) + kernel.padded_k(piece.k);
  return k;
}

void Stack::pack_panel(const PanelKernel& kernel, int64_t panel, void* dst, bool round) const {
  if (along_k) {
    for (const WeightSlice& piece : pieces) {
      const int64_t first = panel * kernel.nr;
      piece.pack_panel(kernel, dst, first, std::min<int64_t>(kernel.nr, piece.n - first), round);
      dst = static_cast<char*>(dst) + kernel.bytes(kernel.padded_k(piece.k) * kernel.nr);
    }
    return;
  }
  for (const WeightSlice& piece : pieces) {
    const int64_t panels = ceil_div(piece.n, kernel.nr);
    if (panel < panels) {
      const int64_t first = panel * kernel.nr;
      return piece.pack_panel(kernel, dst, first, std::min<int64_t>(kernel.nr, piece.n - first), round);
    }
    panel -= panels;
  }
}

void Stack::columns(const PanelKernel& kernel, int64_t panel, int64_t& first, int64_t& count) const {
  first = 0;
  count = 0;
  for (const WeightSlice& piece : pieces) {
    const int64_t panels = ceil_div(piece.n, kernel.nr);
    if (panel < panels) {
      first += panel * kernel.nr;
      count = std::min<int64_t>(kernel.nr, piece.n - panel * kernel.nr);
      return;
    }
    if (along_k) return;
    panel -= panels;
    first += piece.n;
  }
}

size_t gemm_workspace(const PanelKernel& kernel, int threads, int64_t x, int64_t y, int64_t z) {
  const int64_t big = std::max({x, y, z}), small = std::min({x, y, z}), mid = x + y + z - big - small;
  Scratch s{};
  scratch_sizes(kernel, big, mid, s);
  const int64_t sums = big > kLongestK ? std::max(kLongSums, mid * 4) : 0;
  return static_cast<size_t>(s.a_bytes + s.b_bytes + threads * s.thread_bytes + sums) + 4 * kAlign;
}

void multiply(const GemmCall& p, const PanelKernel& kernel, const VectorKernels& vector, Pool& pool,
              const Buffer& workspace) {
  const int64_t n = p.b.n(), k = p.b.k();
  if (p.m <= 0 || n <= 0) return;
  const int64_t big = std::max({p.m, n, k}), small = std::min({p.m, n, k});
  Scratch s{};
  scratch_sizes(kernel, big, p.m + n + k - big - small, s);
  Arena arena(workspace);
  s.threads = static_cast<char*>(arena.take_bytes(static_cast<size_t>(pool.threads() * s.thread_bytes)));
  const bool is_long = k > kLongestK && !p.packed_b;
  if (is_long) s.long_sums = arena.take<float>(static_cast<size_t>(std::max(kLongSums / 4, n)));
  // The workspace may have been sized for other shapes: smaller slabs work as well, down to one panel.
  const int64_t a_panel = kernel.bytes(kernel.mr * p.b.padded_k(kernel)), b_panel = p.b.panel_bytes(kernel);
  if (static_cast<int64_t>(arena.left()) < s.a_bytes + s.b_bytes) {
    s.b_bytes = std::max(is_long ? s.b_bytes / 2 : b_panel, static_cast<int64_t>(arena.left() / 4));
    s.a_bytes = std::max(is_long ? s.a_bytes / 4 : a_panel, static_cast<int64_t>(arena.left()) - s.b_bytes - 64);
  }
  s.b = static_cast<char*>(arena.take_bytes(static_cast<size_t>(s.b_bytes)));
  s.a = static_cast<char*>(arena.take_bytes(static_cast<size_t>(s.a_bytes)));
  if (is_long) return multiply_long(p, kernel, vector, pool, s);
  Multiplication(p, kernel, vector, pool, s).run();
}

}  // namespace vq::cpu
