// AVX-512 with dot products of bf16 pairs (VDPBF16PS): Cooper Lake, Zen 4 and later.
#define VQ_ISA avx512_bf16
#define VQ_WIDTH 16
#include <immintrin.h>

#include "ops/cpu/isa/attention.h"
#include "ops/cpu/isa/panels.h"
#include "ops/cpu/isa/quantized.h"

namespace vq::cpu::VQ_ISA {
namespace {
VQ_INLINE vf dot_pairs(vf acc, vu a, vu b) { return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)a, (__m512bh)b); }
}  // namespace
}  // namespace vq::cpu::VQ_ISA

#include "ops/cpu/isa/bf16_tiles.h"

namespace vq::cpu {
namespace {
using namespace avx512_bf16;
constexpr IsaKernels kKernels = {"avx512-bf16",
                                 f32_panels<12>("avx512", 512, 96, 1024),
                                 bf16_panels<12>("avx512-bf16", 1024, 192, 1024),
                                 vector_kernels(),
                                 attention_kernels(),
                                 quant_kernels()};
}  // namespace

const IsaKernels* avx512_bf16_kernels() { return &kKernels; }

}  // namespace vq::cpu
