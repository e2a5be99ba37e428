// The kernels that run on every processor: vectors of 4 floats (SSE2, NEON).
#define VQ_ISA generic
#define VQ_WIDTH 4
#include "ops/cpu/isa/attention.h"
#include "ops/cpu/isa/panels.h"
#include "ops/cpu/isa/quantized.h"

namespace vq::cpu {
namespace {
constexpr PanelKernel kPanels = generic::f32_panels<6>("generic", 256, 96, 512);
constexpr IsaKernels kKernels = {
    "generic", kPanels, kPanels, generic::vector_kernels(), generic::attention_kernels(), generic::quant_kernels()};
}  // namespace

const IsaKernels* generic_kernels() { return &kKernels; }

}  // namespace vq::cpu
