// AVX2 and FMA: vectors of 8 floats, tiles of 6 x 16 in 12 of the 16 registers.
#define VQ_ISA avx2
#define VQ_WIDTH 8
#include "ops/cpu/isa/attention.h"
#include "ops/cpu/isa/panels.h"
#include "ops/cpu/isa/quantized.h"

namespace vq::cpu {
namespace {
constexpr PanelKernel kPanels = avx2::f32_panels<6>("avx2", 256, 96, 512);
constexpr IsaKernels kKernels = {
    "avx2", kPanels, kPanels, avx2::vector_kernels(), avx2::attention_kernels(), avx2::quant_kernels()};
}  // namespace

const IsaKernels* avx2_kernels() { return &kKernels; }

}  // namespace vq::cpu
