// The AVX-512 and AMX kernels on processors without them: the same sources, with the instructions written out in plain
// C++ as the manual (Intel SDM, VDPBF16PS and TDPBF16PS) defines them: denormals count as zero, sums round to nearest.
#define VQ_ISA emulated
#define VQ_WIDTH 16
#include "ops/cpu/isa/attention.h"
#include "ops/cpu/isa/panels.h"
#include "ops/cpu/isa/quantized.h"

namespace vq::cpu::VQ_ISA {
namespace {

// a b + c rounded once: the product of two bf16 numbers is exact in f32 (except for underflow, which is negligible
// here).
VQ_INLINE float fused(float a, float b, float c) { return a * b + c; }
VQ_INLINE float flushed(float x) { return __builtin_fabsf(x) < 0x1p-126f ? 0.0f * x : x; }
VQ_INLINE float number(uint16_t h) {
  const uint32_t u = (uint32_t)h << 16;
  float f;
  __builtin_memcpy(&f, &u, 4);
  return flushed(f);
}

// VDPBF16PS: the odd pair first, each multiply-add rounded once.
vf dot_pairs(vf acc, vu a, vu b) {
  vf r;
  for (int i = 0; i < W; i++) {
    float t = fused(number((uint16_t)(a[i] >> 16)), number((uint16_t)(b[i] >> 16)), flushed(acc[i]));
    r[i] = flushed(fused(number((uint16_t)a[i]), number((uint16_t)b[i]), flushed(t)));
  }
  return r;
}

// Tiles of 16 rows of 64 bytes. Before they are configured, they contain NaN so that results are wrong.
struct Tile {
  unsigned char bytes[16][64];
};
struct Tiles {
  Tile tile[8];
  bool configured;
};
thread_local Tiles tiles = {};

void configure() { tiles.configured = true; }
void release() {
  tiles.configured = false;
  __builtin_memset(tiles.tile, 0xff, sizeof tiles.tile);  // NaN
}
void tile_zero(int t) { __builtin_memset(&tiles.tile[t], 0, sizeof(Tile)); }
void tile_load(int t, const void* from, int64_t stride) {
  for (int r = 0; r < 16; r++)
    __builtin_memcpy(tiles.tile[t].bytes[r], (const char*)from + r * stride, tiles.configured ? 64 : 0);
}
void tile_store(int t, void* to, int64_t stride) {
  for (int r = 0; r < 16; r++)
    __builtin_memcpy((char*)to + r * stride, tiles.tile[t].bytes[r], tiles.configured ? 64 : 0);
}
// TDPBF16PS: even and odd products are summed separately, then both sums are added to c.
void tile_dot(int c, int a, int b) {
  for (int m = 0; m < 16; m++) {
    float even[16] = {}, odd[16] = {}, sum[16];
    uint16_t x[32], y[32];
    __builtin_memcpy(x, tiles.tile[a].bytes[m], 64);
    for (int k = 0; k < 16; k++) {
      __builtin_memcpy(y, tiles.tile[b].bytes[k], 64);
      for (int n = 0; n < 16; n++) {
        even[n] = flushed(fused(number(x[2 * k]), number(y[2 * n]), even[n]));
        odd[n] = flushed(fused(number(x[2 * k + 1]), number(y[2 * n + 1]), odd[n]));
      }
    }
    __builtin_memcpy(sum, tiles.tile[c].bytes[m], 64);
    for (int n = 0; n < 16; n++) sum[n] = flushed(flushed(sum[n]) + flushed(even[n] + odd[n]));
    __builtin_memcpy(tiles.tile[c].bytes[m], sum, 64);
  }
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA

#define VQ_TILE_CONFIGURE() configure()
#define VQ_TILE_RELEASE() release()
#define VQ_TILE_ZERO(t) tile_zero(t)
#define VQ_TILE_LOAD(t, address, bytes) tile_load(t, address, bytes)
#define VQ_TILE_STORE(t, address, bytes) tile_store(t, address, bytes)
#define VQ_TILE_DOT(c, a, b) tile_dot(c, a, b)
#include "ops/cpu/isa/amx_tiles.h"
#include "ops/cpu/isa/bf16_gemv.h"
#include "ops/cpu/isa/bf16_tiles.h"
#include "tests/cpu/emulated.h"

namespace vq::test {
namespace {
using namespace cpu;
using namespace cpu::emulated;
constexpr PanelKernel kF32 = f32_panels<12>("avx512 emulated", 64, 48, 64);
constexpr PanelKernel kTiles = {
    "amx emulated", 32, 32, 2, Elem::bf16, 64, 64, 64, tiles_32, pack_a<32, 32, uint16_t>, pack_b<32, 32, uint16_t>, 4};
constexpr IsaKernels kKernels[] = {
    {"avx512-bf16 emulated", kF32, bf16_panels<12>("avx512-bf16 emulated", 64, 48, 64), vector_kernels(),
     attention_kernels(), quant_kernels(), bf16_gemv},
    {"amx emulated", kF32, kTiles, vector_kernels(), attention_kernels(), quant_kernels(), bf16_gemv},
};
}  // namespace

std::span<const IsaKernels> emulated_kernels() { return kKernels; }

}  // namespace vq::test
