// Bound by memory: rounding reads a row twice, the second time from the cache, and writes one byte per element; one
// block per row.
#include "ops/cuda/fp8.h"
#include "ops/cuda/rows.h"
#include "ops/e4m3.h"

namespace vq::cuda {
namespace {

// A pair of codes, the first in the lower byte.
__device__ __forceinline__ uint32_t e4m3_codes(float first, float second) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  uint16_t codes;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(codes) : "f"(second), "f"(first));
  return codes;
#else
  return e4m3_code(first) | e4m3_code(second) << 8;
#endif
}

// The largest magnitude of the block's row, returned to all threads.
__device__ __forceinline__ float block_largest(float m) {
  VQ_SHARED(float, part, 32);
  const unsigned lane = threadIdx.x % 32, warps = blockDim.x / 32;
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    const float other = __shfl_xor_sync(kWholeWarp, m, lanes);
    m = larger(m, other);
  }
  if (warps == 1) return m;
  if (lane == 0) part[threadIdx.x / 32] = m;
  __syncthreads();
  m = 0;
  if (lane < warps) m = part[lane];
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    const float other = __shfl_xor_sync(kWholeWarp, m, lanes);
    m = larger(m, other);
  }
  return m;
}

template <int N>
__device__ __forceinline__ void load_scaled(float (&v)[N], const Rows& x, Global<const float> columns, int64_t row,
                                            int64_t c) {
  x.load(v, row, c);
  if (!columns) return;
  float scale[N];
  load<N, float>(scale, columns + c);
#pragma unroll
  for (int i = 0; i < N; i++) v[i] *= scale[i];
}

// The factor that maps the largest magnitude of a row to the largest code, and the value of a code of 1. Rows too small
// for such a factor and non-finite rows get codes of 0; a non-finite row also gets a non-finite scale.
struct RowScale {
  float up, down;
};
template <int N>
__device__ __forceinline__ RowScale scale_of(const Rows& x, Global<const float> columns, int64_t row, int64_t cols) {
  float v[N], m = 0;
  for (int64_t c = static_cast<int64_t>(threadIdx.x) * N; c < cols; c += int64_t{blockDim.x} * N) {
    load_scaled(v, x, columns, row, c);
#pragma unroll
    for (int i = 0; i < N; i++) m = larger(m, fabsf(v[i]));
  }
  m = block_largest(m);
  return {fill_scale(kLargestE4m3, m), m / kLargestE4m3};
}

// Packs four codes into a word.
__device__ __forceinline__ uint32_t e4m3_word(const float* v, float scale) {
  return e4m3_codes(v[0] * scale, v[1] * scale) | e4m3_codes(v[2] * scale, v[3] * scale) << 16;
}

// N: elements per read of x; codes are written eight at a time.
template <int N>
__global__ void round_to_codes_kernel(Global<uint8_t> codes, Global<float> scales, Rows x, Global<const float> columns,
                                      int64_t cols) {
  const int64_t row = blockIdx.x;
  const RowScale scale = scale_of<N>(x, columns, row, cols);
  if (threadIdx.x == 0) scales[row] = scale.down;
  for (int64_t c = static_cast<int64_t>(threadIdx.x) * kWide; c < cols; c += int64_t{blockDim.x} * kWide) {
    float v[kWide], some[N];
#pragma unroll
    for (int i = 0; i < kWide; i += N) {
      load_scaled(some, x, columns, row, c + i);
#pragma unroll
      for (int j = 0; j < N; j++) v[i + j] = scale.up == 0 ? 0.0f : some[j];
    }
    retyped<uint2>(codes + row * cols + c)[0] = make_uint2(e4m3_word(v, scale.up), e4m3_word(v + 4, scale.up));
  }
}

template <int N>
__global__ void round_to_fp8_kernel(Rows y, Rows x, Global<const float> columns, int64_t cols) {
  const int64_t row = blockIdx.x;
  const RowScale scale = scale_of<N>(x, columns, row, cols);
  float v[N];
  for (int64_t c = static_cast<int64_t>(threadIdx.x) * N; c < cols; c += int64_t{blockDim.x} * N) {
    load_scaled(v, x, columns, row, c);
#pragma unroll
    for (int i = 0; i < N; i++) {
      const uint32_t code = scale.up == 0 ? 0 : e4m3_code(v[i] * scale.up);
      v[i] = e4m3_value(code) * scale.down;
    }
    y.store(v, row, c);
  }
}

// One thread transposes four words of four codes.
__global__ void transpose_codes_kernel(Global<uint32_t> transposed, Global<const uint32_t> codes, int64_t n,
                                       int64_t k) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * 4;
  for (int64_t c = first_column(4); c < k; c += column_step(4)) {
    uint32_t word[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint32_t w = codes[((row + i) * k + c) / 4];
      word[i] = w;
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      uint32_t w = 0;
#pragma unroll
      for (int i = 0; i < 4; i++) w |= (word[i] >> 8 * j & 255) << 8 * i;
      transposed[((c + j) * n + row) / 4] = w;
    }
  }
}

template <int N>
__global__ void scale_sums_kernel(Rows y, Rows sums, Global<const float> rows, Global<const float> columns, Rows add,
                                  bool adds, int64_t cols) {
  const int64_t row = blockIdx.x;
  const float scale = rows[row];
  float v[N], column[N], old[N] = {};
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    sums.load(v, row, c);
    if (adds) add.load(old, row, c);
    if (columns) {
      load<N, float>(column, columns + c);
#pragma unroll
      for (int i = 0; i < N; i++) v[i] *= column[i];
    }
#pragma unroll
    for (int i = 0; i < N; i++) v[i] = v[i] * scale + old[i];
    y.store(v, row, c);
  }
}

bool aligned(const float* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

Launch block_a_row(Stream stream, const Tensor& t, int64_t n) {
  return {static_cast<unsigned>(t.rows), threads_for(ceil_div(t.cols, n)), stream};
}

}  // namespace

void round_to_codes(Stream stream, uint8_t* codes, float* scales, const Tensor& x, const float* columns) {
  if (x.rows == 0) return;
  const bool wide = in_units(x, kWide) && aligned(columns);
  launch(block_a_row(stream, x, wide ? kWide : 1), wide ? round_to_codes_kernel<kWide> : round_to_codes_kernel<1>,
         codes, scales, rows_of(x), columns, x.cols);
}

void round_to_fp8(Stream stream, const Tensor& y, const Tensor& x, const float* columns) {
  if (x.rows == 0) return;
  const bool wide = all_in_units(kWide, y, x) && aligned(columns);
  launch(block_a_row(stream, x, wide ? kWide : 1), wide ? round_to_fp8_kernel<kWide> : round_to_fp8_kernel<1>,
         rows_of(y), rows_of(x), columns, x.cols);
}

void transpose_codes(Stream stream, uint8_t* transposed, const uint8_t* codes, int64_t n, int64_t k) {
  launch(over_elements(stream, n / 4, k, 4), transpose_codes_kernel, reinterpret_cast<uint32_t*>(transposed),
         reinterpret_cast<const uint32_t*>(codes), n, k);
}

void scale_sums(Stream stream, const Tensor& y, const Tensor& sums, const float* rows, const float* columns,
                const Tensor* add) {
  if (y.rows == 0) return;
  const Tensor& added = add ? *add : y;
  const bool wide = all_in_units(kWide, y, sums, added) && aligned(columns);
  launch(over_elements(stream, y.rows, y.cols, wide ? kWide : 1),
         wide ? scale_sums_kernel<kWide> : scale_sums_kernel<1>, rows_of(y), rows_of(sums), rows, columns,
         rows_of(added), add != nullptr, y.cols);
}

}  // namespace vq::cuda
