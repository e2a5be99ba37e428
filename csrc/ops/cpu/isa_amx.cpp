// AMX: tile registers for bf16 (Sapphire Rapids and later). The other kernels are those of AVX-512.
#define VQ_ISA amx
#define VQ_WIDTH 16
#include <immintrin.h>

#include "ops/cpu/isa/panels.h"

namespace vq::cpu::VQ_ISA {
namespace {

// Palette 1; all eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
constexpr TileConfig kConfig = {1,
                                0,
                                {},
                                {64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0},
                                {16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0}};

VQ_INLINE void configure_tiles() {
  // gcc 12 assumes that _tile_loadconfig reads 8 bytes; this declares the other 56.
  asm volatile("" ::"r"(&kConfig) : "memory");
  _tile_loadconfig(&kConfig);
}

}  // namespace
}  // namespace vq::cpu::VQ_ISA

#define VQ_TILE_CONFIGURE() configure_tiles()
#define VQ_TILE_RELEASE() _tile_release()
#define VQ_TILE_ZERO(t) _tile_zero(t)
#define VQ_TILE_LOAD(t, address, bytes) _tile_loadd(t, address, bytes)
#define VQ_TILE_STORE(t, address, bytes) _tile_stored(t, address, bytes)
#define VQ_TILE_DOT(c, a, b) _tile_dpbf16ps(c, a, b)
#include "ops/cpu/isa/amx_tiles.h"

namespace vq::cpu {
namespace {
using namespace amx;
constexpr PanelKernel kTiles = {
    "amx", 32, 32, 2, Elem::bf16, 512, 512, 512, tiles_32, pack_a<32, 32, uint16_t>, pack_b<32, 32, uint16_t>, 4};
}  // namespace

const PanelKernel* amx_panel_kernels() { return &kTiles; }

}  // namespace vq::cpu
