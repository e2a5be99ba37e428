// AVX-512 in f32: vectors of 16 floats, tiles of 12 x 32 in 24 of the 32 registers.
#define VQ_ISA avx512
#define VQ_WIDTH 16
#include "ops/cpu/isa/attention.h"
#include "ops/cpu/isa/panels.h"
#include "ops/cpu/isa/quantized.h"

namespace vq::cpu {
namespace {
constexpr PanelKernel kPanels = avx512::f32_panels<12>("avx512", 512, 96, 1024);
constexpr IsaKernels kKernels = {
    "avx512", kPanels, kPanels, avx512::vector_kernels(), avx512::attention_kernels(), avx512::quant_kernels()};
}  // namespace

const IsaKernels* avx512_kernels() { return &kKernels; }

}  // namespace vq::cpu
