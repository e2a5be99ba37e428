// Device code that the attention kernels share: bf16 tiles in shared memory, and how they are loaded, multiplied and
// written back.
//
// A tile has rows of `dim` elements, in chunks of 8 (16 bytes). Chunk c of row r is stored at c ^ swizzle(r) of its
// row, so that the 8 rows that one ldmatrix reads, and the chunks that copies write, map to different banks.
#pragma once

#include "ops/cuda/attention/kernels.h"
#include "ops/cuda/tensor_core.h"

namespace vq::cuda {

constexpr int kAttentionThreads = 128;
constexpr int kAttentionWarps = kAttentionThreads / 32;
constexpr uint32_t kAllLanes = 0xffffffff;
constexpr float kLog2E = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;

// The reference maximum of the exponents changes only when a score exceeds it by this many powers of two. Until then
// probabilities grow up to 2^8, which f32 and bf16 represent as precisely as values below 1, and nothing is rescaled.
constexpr float kSlack = 8;
constexpr float kNothing = -1e30f;  // below any score

// Whether GPUs of this architecture have more than 100 KB of shared memory per multiprocessor; on others tall tiles
// never run.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ == 860 || __CUDA_ARCH__ == 890 || __CUDA_ARCH__ == 1200)
constexpr bool kHasLargeShared = false;
#else
constexpr bool kHasLargeShared = true;
#endif

template <int dim>
__device__ __forceinline__ int swizzle(int row) {
  static_assert(dim % 64 == 0 || dim % 32 == 0);
  return dim % 64 == 0 ? row & 7 : row >> 1 & 3;
}

template <int dim>
__device__ __forceinline__ int tile_offset(int row, int chunk) {
  return row * 2 * dim + ((chunk ^ swizzle<dim>(row)) << 4);
}

// The address of a lane's row of a matrix, for matrices 16 rows and 16 columns apart. The tile is 256-byte aligned.
template <int dim>
struct MatrixAddress {
  int base, low;
  // The lane's row of the first matrix, and its half (0 or 1) of 16 columns.
  __device__ __forceinline__ MatrixAddress(int tile, int row, int half)
      : base(tile + row * 2 * dim + (kFolds ? (half ^ swizzle<dim>(row)) << 4 : 0)), low(half ^ swizzle<dim>(row)) {}
  // Rows from 16 * block, columns from 16 * step.
  __device__ __forceinline__ int at(int block, int step) const {
    const int column = kFolds ? base ^ (step << 5) : base + ((low ^ (2 * step)) << 4);
    return column + block * 32 * dim;
  }
  static constexpr bool kFolds = (dim & (dim - 1)) == 0;
};

// Maps a lane to its row and half in the four matrices of one A fragment (rows by columns of the tile) or, transposed,
// of the B fragments of 16 rows (k) by 16 columns (n).
__device__ __forceinline__ int a_row(int lane) { return lane & 15; }
__device__ __forceinline__ int a_half(int lane) { return lane >> 4; }
// The same for the B fragments of 16 columns (k) by 16 rows (n).
__device__ __forceinline__ int b_row(int lane) { return (lane & 7) + (lane >> 4 << 3); }
__device__ __forceinline__ int b_half(int lane) { return lane >> 3 & 1; }

__device__ __forceinline__ int divide(int m, const Divider& by) {
  return by.magic == 0 ? m : static_cast<int>(__umulhi(static_cast<uint32_t>(m), by.magic));
}

// Iterates over the keys of a query tile: blocks of at most `block` keys that do not cross ranges.
struct KeyCursor {
  Global<const KeyRange> ranges;
  int range, last;
  int begin, count;  // of the range
  int at;            // keys of the range before this block

  __device__ __forceinline__ KeyCursor(Global<const KeyRange> ranges, const QueryTile& tile)
      : ranges(ranges), range(tile.range), last(tile.last_range) {
    enter(tile.at);
    advance(0);
  }
  __device__ __forceinline__ void enter(int from) {
    const KeyRange r = ranges[range];
    begin = r.begin;
    count = r.count;
    at = from;
  }
  // Advances past `block` keys and past empty ranges.
  __device__ __forceinline__ void advance(int block) {
    at += block;
    while (at >= count && range < last) {
      range++;
      enter(0);
    }
  }
};

// Consecutive rows: keys or values of one head.
struct KeySource {
  Global<const bf16> first;
  int stride, count;
  __device__ __forceinline__ bool exists(int row) const { return row < count; }
  __device__ __forceinline__ Global<const bf16> at(int row) const { return first + int64_t{row} * stride; }
};

// Stacked rows of a segment for key head `head`.
struct StackedSource {
  Global<const bf16> segment;  // the segment's first row, the key head's first query head
  int stride;
  Divider group;
  int dim, first, end;  // stacked rows
  __device__ __forceinline__ bool exists(int row) const { return first + row < end; }
  __device__ __forceinline__ Global<const bf16> at(int row) const {
    const int m = first + row, query = divide(m, group);
    return segment + (int64_t{query} * stride + (m - query * group.by) * dim);
  }
};

// A tile with the layout above, for blocks of 4 warps.
template <int dim_, int rows_>
struct RowTile {
  static constexpr int dim = dim_, rows = rows_, threads = kAttentionThreads, row_bytes = 2 * dim;
  static constexpr int bytes = rows * row_bytes;
  __device__ __forceinline__ static int offset(int row, int chunk) { return tile_offset<dim>(row, chunk); }
};

// Starts loading a tile with the block's threads; missing rows and columns are zero. `wide`: rows are 16-byte aligned
// and consist of whole chunks. Otherwise elements are read one by one and are available at once.
template <class Tile, class Source>
__device__ __forceinline__ void fill_tile(Shared<unsigned char> memory, int tile, const Source& source, int real_dim,
                                          bool wide) {
  constexpr int kThreads = Tile::threads, kChunks = Tile::dim / 8, kAll = Tile::rows * kChunks;
  if (wide) {
    // If the chunks of a row divide the number of threads, each thread keeps its column and its position in the
    // swizzle.
    constexpr bool kKeeps = kThreads % kChunks == 0;
    constexpr int kStep = kThreads / kChunks;
    const int thread = static_cast<int>(threadIdx.x);
    const int own = tile + Tile::offset(thread / kChunks, thread % kChunks);
#pragma unroll
    for (int n = 0; n < (kAll + kThreads - 1) / kThreads; n++) {
      const int i = thread + n * kThreads;
      if (kAll % kThreads != 0 && i >= kAll) break;
      const int row = kKeeps ? thread / kChunks + n * kStep : i / kChunks;
      const int chunk = kKeeps ? thread % kChunks : i % kChunks;
      const int to = kKeeps ? own + n * kStep * Tile::row_bytes : tile + Tile::offset(row, chunk);
      copy_16(memory, to, source.at(row) + 8 * chunk, source.exists(row) && 8 * chunk < real_dim);
    }
    return;
  }
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < kAll; i += kThreads) {
    const int row = i / kChunks, chunk = i % kChunks;
    uint32_t pairs[4] = {};
    if (source.exists(row)) {
      const Global<const uint16_t> from = retyped<const uint16_t>(source.at(row));
      for (int e = 0; e < 8; e++) {
        const uint32_t bits = 8 * chunk + e < real_dim ? static_cast<uint16_t>(from[8 * chunk + e]) : uint16_t{0};
        pairs[e / 2] |= bits << (16 * (e % 2));
      }
    }
    *retyped<uint4>(memory + (tile + Tile::offset(row, chunk))) = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
  }
}
template <int dim, int rows, class Source>
__device__ __forceinline__ void load_tile(Shared<unsigned char> memory, int tile, const Source& source, int real_dim,
                                          bool wide) {
  fill_tile<RowTile<dim, rows>>(memory, tile, source, real_dim, wide);
}

// Starts loading a tile with `count` keys of one head, from this row on, and the next tile with their values.
template <class Tile, class Call>
__device__ __forceinline__ void load_keys(const Call& c, int64_t row, int count, Shared<unsigned char> memory, int tile,
                                          int head) {
  const KeySource k{c.k.data + (row * c.k.stride + head * c.dim), c.k.stride, count};
  fill_tile<Tile>(memory, tile, k, c.dim, c.wide);
  const KeySource v{c.v.data + (row * c.v.stride + head * c.dim), c.v.stride, count};
  fill_tile<Tile>(memory, tile + Tile::bytes, v, c.dim, c.wide);
}
// The same for the cursor's block of keys.
template <class Tile, class Call>
__device__ __forceinline__ void load_keys(const Call& c, const KeyCursor& cursor, Shared<unsigned char> memory,
                                          int tile, int head) {
  load_keys<Tile>(c, cursor.begin + cursor.at, cursor.count - cursor.at, memory, tile, head);
}

// GEMMs of A fragments with a tile. This one: 16 columns of a (k) times the tile's `rows` rows as n.
template <int dim, int rows, int blocks>
__device__ __forceinline__ void multiply_by_rows(float (&c)[blocks][rows / 8][4], const uint32_t (&a)[blocks][4],
                                                 Shared<unsigned char> memory, const MatrixAddress<dim>& tile,
                                                 int step) {
#pragma unroll
  for (int n = 0; n < rows / 16; n++) {
    uint32_t b[4];
    load_matrices(b, memory, tile.at(n, step));
#pragma unroll
    for (int i = 0; i < blocks; i++) {
      mma_bf16(c[i][2 * n], a[i], b[0], b[1]);
      mma_bf16(c[i][2 * n + 1], a[i], b[2], b[3]);
    }
  }
}
// 16 columns of a (k) times 16 rows of the tile (k), with its columns as n. The tile has blocks of 16 rows.
template <int dim, int blocks>
__device__ __forceinline__ void multiply_by_columns(float (&c)[blocks][dim / 8][4], const uint32_t (&a)[blocks][4],
                                                    Shared<unsigned char> memory, const MatrixAddress<dim>& tile,
                                                    int block) {
#pragma unroll
  for (int n = 0; n < dim / 16; n++) {
    uint32_t b[4];
    load_matrices_transposed(b, memory, tile.at(block, n));
#pragma unroll
    for (int i = 0; i < blocks; i++) {
      mma_bf16(c[i][2 * n], a[i], b[0], b[1]);
      mma_bf16(c[i][2 * n + 1], a[i], b[2], b[3]);
    }
  }
}

// The A fragment of 16 columns, 8 of acc[n] and 8 of acc[n + 1], rounded to bf16.
__device__ __forceinline__ void as_fragment(uint32_t (&a)[4], const float (&left)[4], const float (&right)[4]) {
  a[0] = pack_bf16(left[0], left[1]);
  a[1] = pack_bf16(left[2], left[3]);
  a[2] = pack_bf16(right[0], right[1]);
  a[3] = pack_bf16(right[2], right[3]);
}

// The four lanes that share rows of a C fragment.
__device__ __forceinline__ float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, 1));
  return fmaxf(x, __shfl_xor_sync(kAllLanes, x, 2));
}
__device__ __forceinline__ int warp_max(int x) {
  for (int lanes = 16; lanes > 0; lanes /= 2) x = max(x, __shfl_xor_sync(kAllLanes, x, lanes));
  return x;
}
__device__ __forceinline__ float quad_sum(float x) {
  x += __shfl_xor_sync(kAllLanes, x, 1);
  return x + __shfl_xor_sync(kAllLanes, x, 2);
}

}  // namespace vq::cuda
