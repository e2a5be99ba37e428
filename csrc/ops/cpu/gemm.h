// GEMMs of packed panels: the loops around a PanelKernel.
//
//   c[M, N] = alpha * a[M, K] b[N, K]^T (+ add[M, N])
//
// b can be stacked from slices, along n or along k. Panels of a and b are packed once per call into the workspace (b
// optionally once in advance), then tasks process blocks of c: k in blocks of kc; for each column panel of b, all row
// panels of the block of a (which stays in L2), while the next panel of b and the lines of c are prefetched. Each
// element of c is computed by one task in a fixed order.
//
// Bound by multiply-adds. On one core of an EPYC of Zen 5 (4.2 GHz: 537 GFLOP/s in bf16, 268 in f32), with 2,048 rows
// and the matrices of Qwen3-0.6B: 88-93% of that in bf16, 81-84% in f32, 92-94% of AVX2's half. The rest is packing a,
// the sums of several blocks of k, and panels of b that are read from memory. AMX: not measured.
#pragma once

#include <span>
#include <vector>

#include "ops/cpu/kernels.h"
#include "ops/cpu/memory.h"
#include "ops/pool.h"

namespace vq::cpu {

// A part of b: n rows over k.
struct WeightSlice {
  StridedMatrix lines;  // for a quantized matrix only along_k is used: its rows run along k, or each is one k
  int64_t n, k;
  const QuantView* quantized = nullptr;
  int64_t first_k = 0;  // offset of k in the quantized matrix

  void pack_panel(const PanelKernel& kernel, void* dst, int64_t first, int64_t count, bool round) const;
};

struct Stack {
  std::span<const WeightSlice> pieces;
  bool along_k = false;  // the pieces are concatenated in k (same n), otherwise in n (same k)

  int64_t n() const;
  int64_t k() const;
  // Each piece starts at a boundary: a panel if stacked along n, a multiple of nr if stacked along k.
  int64_t panels(const PanelKernel& kernel) const;
  int64_t padded_k(const PanelKernel& kernel) const;
  int64_t packed_bytes(const PanelKernel& kernel) const { return panels(kernel) * panel_bytes(kernel); }
  int64_t panel_bytes(const PanelKernel& kernel) const { return kernel.bytes(padded_k(kernel) * kernel.nr); }
  void pack_panel(const PanelKernel& kernel, int64_t panel, void* dst, bool round) const;
  // First column and number of columns of a panel.
  void columns(const PanelKernel& kernel, int64_t panel, int64_t& first, int64_t& count) const;
};

struct GemmCall {
  int64_t m;
  StridedMatrix a;
  Stack b;
  const void* packed_b = nullptr;  // all panels of b, packed in advance
  bool round = false;              // round operands to bf16 first
  float alpha = 1;
  Run c;
  int64_t c_stride;
  ConstRun add = {nullptr, Elem::f32};
  int64_t add_stride = 0;
};

// Scratch bytes for GEMMs whose m, n and k are, in any order, at most the three given.
size_t gemm_workspace(const PanelKernel& kernel, int threads, int64_t x, int64_t y, int64_t z);

void multiply(const GemmCall& call, const PanelKernel& kernel, const VectorKernels& vector, Pool& pool,
              const Buffer& workspace);

}  // namespace vq::cpu
