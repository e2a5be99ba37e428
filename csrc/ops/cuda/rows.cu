// Row copies: plain, gathered by index, or added at an index. Bound by memory.
#include "ops/cuda/kernels.h"
#include "ops/cuda/rows.h"

namespace vq::cuda {
namespace {

// y[i] = x[rows[i]], or x[i] without rows.
template <int N>
__global__ void gather_kernel(Rows y, Rows x, Global<const int32_t> rows, int64_t cols) {
  const int64_t to = blockIdx.x;
  int64_t from = to;
  if (rows) from = rows[to];
  float v[N];
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    x.load(v, from, c);
    y.store(v, to, c);
  }
}

// y[rows[i]] = x[i], or += x[i].
template <int N, bool add>
__global__ void scatter_kernel(Rows y, Rows x, Global<const int32_t> rows, int64_t cols) {
  const int64_t from = blockIdx.x, to = rows[from];
  float v[N], old[N];
  for (int64_t c = first_column(N); c < cols; c += column_step(N)) {
    x.load(v, from, c);
    if constexpr (add) {
      y.load(old, to, c);
#pragma unroll
      for (int i = 0; i < N; i++) v[i] += old[i];
    }
    y.store(v, to, c);
  }
}

template <bool add>
void scatter(Stream stream, const Tensor& y, const Tensor& x, const int32_t* rows) {
  if (x.rows == 0) return;
  const bool wide = all_in_units(kWide, y, x);
  launch(over_elements(stream, x.rows, x.cols, wide ? kWide : 1),
         wide ? scatter_kernel<kWide, add> : scatter_kernel<1, add>, rows_of(y), rows_of(x), rows, x.cols);
}

}  // namespace

void gather_rows(Stream stream, const Tensor& y, const Tensor& x, const int32_t* rows) {
  if (y.rows == 0) return;
  const bool wide = all_in_units(kWide, y, x);
  launch(over_elements(stream, y.rows, y.cols, wide ? kWide : 1), wide ? gather_kernel<kWide> : gather_kernel<1>,
         rows_of(y), rows_of(x), rows, y.cols);
}

void copy_rows(Stream stream, const Tensor& y, const Tensor& x) { gather_rows(stream, y, x, nullptr); }

void scatter_rows(Stream stream, const Tensor& y, const Tensor& x, const int32_t* rows) {
  scatter<false>(stream, y, x, rows);
}

void scatter_add_rows(Stream stream, const Tensor& y, const Tensor& x, const int32_t* rows) {
  scatter<true>(stream, y, x, rows);
}

}  // namespace vq::cuda
