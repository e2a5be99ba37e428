// The kernels that differ between instruction sets: one table of functions each, filled by isa_*.cpp and chosen when
// the device opens.
//
// Each isa_*.cpp is compiled with its own -m flags. It must not share code with files that run on other machines: the
// linker could keep the copy of an inline function or template instance that was compiled there. These files therefore
// include only this header and isa/*.h, where all code has internal linkage, and no C++ library header.
//
// Matrices are multiplied as panels (see gemm.h for the surrounding loops):
//   A panel: mr rows;    element (m, k) at [k / ka][m][k % ka]
//   B panel: nr columns; element (n, k) at [k / kb][n][k % kb]
// with k zero-padded to a multiple of ka, and missing rows and columns zero. ka = nr: a tile of results [mr][nr] is
// itself a piece of an A panel (its columns are k) and, for kb = 1, of a B panel (its rows are k); attention depends on
// that. nr is twice the vector width.
#pragma once

#include <cstdint>

#include "ops/adamw_step.h"
#include "ops/dropout_mask.h"
#include "ops/nf4_tables.h"

namespace vq::cpu {

enum class Elem : uint8_t { f32, bf16, f16 };  // same values as vq::DType

constexpr int64_t elem_size(Elem t) { return t == Elem::f32 ? 4 : 2; }

struct Run {  // consecutive elements
  void* data;
  Elem type;
};
struct ConstRun {
  const void* data;
  Elem type;
};

// A matrix as lines of consecutive elements; line i starts at element (i / group) * stride + (i % group) * inner.
struct StridedMatrix {
  const void* data;
  Elem type;
  int64_t stride;
  int64_t group = 1;
  int64_t inner = 0;
  bool along_k;  // a line is a row of A or a column of B (its elements run along k); otherwise a line is one k
};

struct Prefetch {
  const char* data = nullptr;
  int64_t bytes = 0;
};

// GEMMs of packed panels.
struct PanelKernel {
  const char* name;
  int mr, nr, kb;
  Elem packed;  // f32 or bf16
  int64_t kc;   // k of a block of panels that stays in the caches, multiple of ka
  int64_t mc;   // rows of such a block of A, multiple of mr
  int64_t nc;   // columns that a task processes with it, multiple of nr

  int64_t padded_k(int64_t k) const { return (k + nr - 1) / nr * nr; }
  int64_t bytes(int64_t elements) const { return elements * elem_size(packed); }

  // Tile i of `count`, c + i * c_stride, row-major [mr][nr], (+)= A panel a + i * a_stride times B panel b over k.
  // Strides are in elements. k is rounded up to the step of the unit; the padding is zero. ahead: bytes that are needed
  // soon; prefetched into L2 meanwhile.
  void (*tiles)(int64_t k, const void* a, int64_t a_stride, int64_t count, const void* b, float* c, int64_t c_stride,
                bool accumulate, Prefetch ahead);
  // Packs rows [first, first + count) of A, count <= mr, over k in [k0, k0 + k); `round`: to bf16 first.
  void (*pack_a)(void* panel, const StridedMatrix& a, int64_t first, int64_t count, int64_t k0, int64_t k, bool round);
  void (*pack_b)(void* panel, const StridedMatrix& b, int64_t first, int64_t count, int64_t k0, int64_t k, bool round);
  int64_t together = 1;  // minimum tiles per call to amortize its overhead
};

// One block of attention scores of nr queries (lanes), transposed: [keys][nr]. limit: keys of the block visible to each
// lane (can be negative or beyond the block).
struct AttentionKernels {
  // s -> p = exp(scale * s - max) in place, or for packed bf16 as a B panel to p. Updates each lane's running max and
  // sum and computes the factor that rescales the previous sums; returns whether any factor is not 1.
  bool (*softmax_block)(float* s, int64_t keys, const int32_t* limit, float scale, float* max, float* sum,
                        float* shrink, void* p, Elem packed);
  // rows [n][nr] *= factor[lane]
  void (*scale_lanes)(float* rows, int64_t n, const float* factor);
  // out line of lane l: (l0 + l as in StridedMatrix) d elements of column l of acc [d][nr] times factor[l].
  void (*store_lanes)(const float* acc, int64_t d, int64_t lanes, const float* factor, Run* lines);
  // p = exp(scale * s - lse), ds = p * (dp - delta) * scale, zero beyond limit. As A pieces (tile t of mr keys at
  // t * tile_stride) p_a and ds_a, and as a B panel ds_b. s and dp are [keys][nr]; keys is a multiple of mr.
  void (*softmax_backward_block)(const float* s, const float* dp, int64_t keys, int mr, const int32_t* limit,
                                 float scale, const float* lse, const float* delta, void* p_a, void* ds_a,
                                 int64_t tile_stride, void* ds_b, Elem packed);
  // One query per lane group, cache rows read in place: scores[j][i] = scale * q[j] . key i, for J query heads.
  void (*decode_scores)(float* scores, int64_t scores_stride, const float* q, int64_t heads, int64_t d, ConstRun keys,
                        int64_t stride, int64_t count, float scale);
  // acc[j] += sum over i of p[j][i] * value i.
  void (*decode_values)(float* acc, const float* p, int64_t p_stride, int64_t heads, int64_t d, ConstRun values,
                        int64_t stride, int64_t count);
  // x[i] = exp(x[i] - max); returns the sum.
  float (*exp_sum)(float* x, int64_t n, float max);
};

struct VectorKernels {
  void (*convert)(Run y, ConstRun x, int64_t n);
  void (*add)(Run y, ConstRun a, ConstRun b, int64_t n);
  // dst rows = alpha * tile (+ add); add.data can be null or dst itself.
  void (*store_tile)(const float* tile, int64_t tile_stride, int64_t rows, int64_t cols, Run dst, int64_t stride,
                     float alpha, ConstRun add, int64_t add_stride);
  float (*dot)(ConstRun a, ConstRun b, int64_t n);
  // y[t * y_stride + i] = w row i . x[t], t < count <= 8; `round`: w to bf16 first.
  void (*gemv)(float* y, int64_t y_stride, ConstRun w, int64_t stride, int64_t rows, int64_t k, const float* x,
               int64_t x_stride, int64_t count, bool round);
  float (*rms_norm)(Run y, ConstRun x, const float* w, int64_t n, float eps);  // returns 1 / rms
  void (*rms_norm_backward)(Run dx, ConstRun dy, ConstRun x, float rstd, const float* w, int64_t n, bool accumulate);
  // One row of `heads` heads. cos_sin: of the row's position.
  void (*head_norm_rope)(Run y, float* rstd, ConstRun x, const float* w, int64_t heads, int64_t d, float eps,
                         const float* cos_sin);
  void (*head_norm_rope_backward)(Run dx, ConstRun dy, ConstRun x, const float* rstd, const float* w, int64_t heads,
                                  int64_t d, const float* cos_sin);
  void (*swiglu)(Run y, ConstRun gate, ConstRun up, int64_t n);
  void (*swiglu_backward)(Run d_gate, Run d_up, ConstRun dy, ConstRun gate, ConstRun up, int64_t n);
  // first: position of x[0] in the generator's sequence, modulo 2^32; mask.base: the keys of these positions.
  void (*dropout)(Run y, ConstRun x, int64_t n, uint32_t first, const DropoutMask& mask, bool accumulate);
  float (*max)(const float* x, int64_t n);
  float (*sum_exp)(const float* x, int64_t n, float max);
  void (*softmax_gradient)(float* x, int64_t n, float lse, float weight);  // x = weight * exp(x - lse)
  double (*sum_of_squares)(const float* x, int64_t n);
  void (*adamw)(float* p, float* m, float* v, const float* g, int64_t n, const AdamWStep& how, float gradient_scale);
};

// A quantized matrix [rows, k] as ops.h defines the formats; QuantizedMatrix owns the data.
struct QuantKernels;
struct QuantView {
  enum Format : uint8_t { int8 = 1, nf4, fp8 };  // same values as vq::WeightFormat
  Format format;
  int64_t k;
  const uint8_t* codes;        // int8 and fp8: one per element; nf4: two per byte
  const float* scales;         // int8 and fp8: one per row, null for dequantize: all 1; nf4: one per 256 blocks
  const uint8_t* block_codes;  // nf4: the maximum of each block of 64
  float block_mean;            // nf4
  const QuantKernels* kernels;
};

struct QuantKernels {
  // dst = n elements of a row starting at col; `round`: to bf16.
  void (*dequantize)(Run dst, const QuantView& w, int64_t row, int64_t col, int64_t n, bool round);
  // Reorders the k elements of a row of x as gemv requires.
  void (*arrange)(float* x, const QuantView& w);
  // y[t * y_stride + i] = (row + i) . x[t], i < rows, t < count <= 8; the rows of x are reordered by arrange.
  void (*gemv)(float* y, int64_t y_stride, const QuantView& w, int64_t row, int64_t rows, const float* x,
               int64_t x_stride, int64_t count);
};

// VectorKernels::gemv of w and x in bf16.
using Bf16Gemv = void (*)(float* y, int64_t y_stride, const uint16_t* w, int64_t stride, int64_t rows, int64_t k,
                          const uint16_t* x, int64_t x_stride, int64_t count);

struct IsaKernels {
  const char* name;
  PanelKernel f32;
  PanelKernel bf16;  // for GEMMs of bf16 operands; f32 panels if there are no bf16 units
  VectorKernels vector;
  AttentionKernels attention;
  QuantKernels quantized;
  Bf16Gemv bf16_gemv = nullptr;  // null if there are no bf16 units for vectors
};

// The tables. Null if not compiled for this processor.
const IsaKernels* generic_kernels();
const IsaKernels* avx2_kernels();
const IsaKernels* avx512_kernels();
const IsaKernels* avx512_bf16_kernels();
const IsaKernels* amx_kernels();
// What bf16 units add; the other kernels of both are avx512_kernels()', and the GEMV of AMX is AVX-512's. processor.cpp
// joins them: code that copies a table must run on every processor.
struct Bf16Kernels {
  PanelKernel panels;
  Bf16Gemv gemv;
};
const Bf16Kernels* avx512_bf16_unit_kernels();
const PanelKernel* amx_panel_kernels();

}  // namespace vq::cpu
