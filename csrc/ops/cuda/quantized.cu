// Dequantization, and multiplication of a few rows by any matrix (GEMV).
//
// Both are bound by memory: dequantizing reads the codes (1 or 1/2 byte per element) and writes the values; a GEMV
// reads the matrix once, with one warp per matrix row, while x is read from the caches.
#include "ops/cuda/quantized.h"
#include "ops/cuda/rows.h"
#include "ops/e4m3.h"

namespace vq::cuda {
namespace {

struct Codes {
  Rows plain;
  Global<const uint8_t> codes;
  Global<const float> scales;
  Global<const uint8_t> block_codes;
  Global<const float> tables;
  float mean;
  int64_t k;
};

Codes codes_of(const WeightMatrix& w) {
  return {rows_of(w.plain), w.codes, w.scales, w.block_codes, w.tables, w.block_mean, w.plain.cols};
}

// The scale of the block of 64 that contains an element.
__device__ __forceinline__ float nf4_scale(const Codes& w, int64_t element) {
  const int64_t block = element / kNf4Block;
  const uint8_t code = w.block_codes[block];
  const float unit = w.tables[kNf4Codes + code];
  const float scale = w.scales[block / kNf4ScaleBlock];
  return unit * scale + w.mean;
}

// N values of a row starting at col; N is 8 if the row length allows it, otherwise 1.
template <WeightFormat format, int N>
__device__ __forceinline__ void values(float (&v)[N], const Codes& w, int64_t row, int64_t col) {
  if constexpr (format == WeightFormat::plain) {
    w.plain.load(v, row, col);
  } else if constexpr (format == WeightFormat::nf4) {
    const int64_t element = row * w.k + col;
    uint32_t word = 0;
    if constexpr (N == 1) {
      const uint8_t byte = w.codes[element / 2];
      word = element % 2 ? byte & 15 : byte >> 4;
    } else {
      word = retyped<const uint32_t>(w.codes + element / 2)[0];
    }
    const float scale = nf4_scale(w, element);
#pragma unroll
    for (int i = 0; i < N; i++) {
      // The upper half of each byte comes first.
      const uint32_t code = N == 1 ? word : word >> (8 * (i / 2) + (i % 2 ? 0 : 4)) & 15;
      const float unit = w.tables[code];
      v[i] = unit * scale;
    }
  } else {
    uint32_t words[2] = {};
    if constexpr (N == 1) {
      const uint8_t byte = w.codes[row * w.k + col];
      words[0] = byte;
    } else {
      const uint2 pair = retyped<const uint2>(w.codes + row * w.k + col)[0];
      words[0] = pair.x;
      words[1] = pair.y;
    }
    float scale = 1;
    if (w.scales) scale = w.scales[row];
#pragma unroll
    for (int i = 0; i < N; i++) {
      const uint32_t code = words[i / 4] >> 8 * (i % 4) & 255;
      if constexpr (format == WeightFormat::int8) {
        v[i] = static_cast<float>(static_cast<int8_t>(code)) * scale;
      } else {
        v[i] = e4m3_value(code) * scale;
      }
    }
  }
}

template <WeightFormat format, int N>
__global__ void dequantize_kernel(Rows y, Codes w, int64_t row, int64_t col, int64_t cols) {
  float v[N];
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    values<format, N>(v, w, row + blockIdx.x, col + c);
    y.store(v, blockIdx.x, c);
  }
}

constexpr int kWarps = 4;

template <WeightFormat format, int T, int N>
__global__ void skinny_gemm_kernel(Rows y, Rows x, Rows add, bool adds, Codes w, int64_t n, int rows) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  if (row >= n) return;
  const int lane = threadIdx.x % 32;
  float sum[T] = {}, v[N], u[N];
#pragma unroll 4
  for (int64_t c = lane * N; c < w.k; c += 32 * N) {
    values<format, N>(v, w, row, c);
#pragma unroll
    for (int t = 0; t < T; t++) {
      if (t >= rows) continue;
      x.load(u, t, c);
#pragma unroll
      for (int i = 0; i < N; i++) sum[t] += v[i] * u[i];
    }
  }
#pragma unroll
  for (int t = 0; t < T; t++) {
    if (t >= rows) continue;
    float total[1] = {warp_sum(sum[t])};
    if (lane != 0) continue;
    float old[1] = {};
    if (adds) add.load(old, t, row);
    total[0] += old[0];
    y.store(total, t, row);
  }
}

// body.template operator()<format, N>()
template <class Body>
void with_format(WeightFormat format, bool wide, Body&& body) {
  const auto sized = [&]<WeightFormat f>() {
    if (wide) {
      body.template operator()<f, kWide>();
    } else {
      body.template operator()<f, 1>();
    }
  };
  switch (format) {
    case WeightFormat::plain:
      return sized.template operator()<WeightFormat::plain>();
    case WeightFormat::int8:
      return sized.template operator()<WeightFormat::int8>();
    case WeightFormat::nf4:
      return sized.template operator()<WeightFormat::nf4>();
    case WeightFormat::fp8:
    case WeightFormat::fp8_gemm:
      return sized.template operator()<WeightFormat::fp8>();
  }
}

bool rows_in_units(const WeightMatrix& w) {
  return w.format == WeightFormat::plain ? in_units(w.plain, kWide) : w.plain.cols % kWide == 0;
}

}  // namespace

void dequantize(Stream stream, const Tensor& y, const WeightMatrix& w, int64_t row, int64_t col) {
  const bool wide = rows_in_units(w) && in_units(y, kWide) && col % kWide == 0;
  with_format(w.format, wide, [&]<WeightFormat f, int N>() {
    launch(over_elements(stream, y.rows, y.cols, N), dequantize_kernel<f, N>, rows_of(y), codes_of(w), row, col,
           y.cols);
  });
}

void skinny_gemm(Stream stream, const Tensor& y, const Tensor& x, const WeightMatrix& w, const Tensor* add) {
  const bool wide = rows_in_units(w) && in_units(x, kWide);
  const Launch how{static_cast<unsigned>(ceil_div(y.cols, kWarps)), 32 * kWarps, stream};
  const Rows added = rows_of(add ? *add : y);
  const auto rows = static_cast<int>(y.rows);
  with_format(w.format, wide, [&]<WeightFormat f, int N>() {
    const auto kernel = rows == 1   ? skinny_gemm_kernel<f, 1, N>
                        : rows == 2 ? skinny_gemm_kernel<f, 2, N>
                        : rows <= 4 ? skinny_gemm_kernel<f, 4, N>
                                    : skinny_gemm_kernel<f, 8, N>;
    launch(how, kernel, rows_of(y), rows_of(x), added, add != nullptr, codes_of(w), y.cols, rows);
  });
}

}  // namespace vq::cuda
