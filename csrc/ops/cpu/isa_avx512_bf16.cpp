// AVX-512 with dot products of bf16 pairs (VDPBF16PS): Cooper Lake, Zen 4 and later. The other kernels are those of
// AVX-512.
#define VQ_ISA avx512_bf16
#define VQ_WIDTH 16
#include <immintrin.h>

#include "ops/cpu/isa/panels.h"

namespace vq::cpu::VQ_ISA {
namespace {
VQ_INLINE vf dot_pairs(vf acc, vu a, vu b) { return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)a, (__m512bh)b); }
}  // namespace
}  // namespace vq::cpu::VQ_ISA

#include "ops/cpu/isa/bf16_gemv.h"
#include "ops/cpu/isa/bf16_tiles.h"

namespace vq::cpu {
namespace {
constexpr Bf16Kernels kKernels = {avx512_bf16::bf16_panels<12>("avx512-bf16", 1024, 192, 1024), avx512_bf16::bf16_gemv};
}  // namespace

const Bf16Kernels* avx512_bf16_unit_kernels() { return &kKernels; }

}  // namespace vq::cpu
