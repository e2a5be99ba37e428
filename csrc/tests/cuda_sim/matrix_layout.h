// The layout of a matrix that wgmma reads through a descriptor, by the PTX ISA ("Matrix Descriptor Format", "Strides",
// "Shared Memory Matrix Layout") and its canonical layouts. Independent of threads.
#pragma once

#include <cstdint>

namespace cuda_sim {

// One matrix of 16-bit elements, k by mn (m of the first operand, n of the second), in chunks of 8 elements: along k
// when k is its major dimension, else along mn.
class MatrixLayout {
 public:
  MatrixLayout(uint64_t descriptor, bool mn_major)
      : bits_(descriptor),
        start_(static_cast<uint32_t>(descriptor & 0x3fff) << 4),
        leading_(static_cast<uint32_t>(descriptor >> 16 & 0x3fff) << 4),
        stride_(static_cast<uint32_t>(descriptor >> 32 & 0x3fff) << 4),
        mode_(static_cast<uint32_t>(descriptor >> 62)),
        mn_major_(mn_major) {}

  // The error in the descriptor; null if there is none.
  const char* fault() const {
    if (bits_ & ~kFields) return "has bits set that mean nothing";
    if (bits_ >> 49 & 7) return "has a base offset, which is not emulated";
    // The pattern of the swizzling must begin where addresses have it begin.
    if (start_ & ((swizzle_mask() << 7))) return "begins amid the pattern of its swizzling";
    return nullptr;
  }

  // Address of the chunk with elements (mn, k) on. mn_major: mn is a multiple of 8; else k is.
  uint32_t chunk(uint32_t mn, uint32_t k) const {
    const uint32_t width = chunks_in_row();
    uint32_t at = start_;
    if (mn_major_ && mode_ == kPlain) {
      // 8 elements by 8 k; the next along mn by the stride, along k by the leading offset.
      at += mn / 8 * stride_ + k % 8 * kChunk + k / 8 * leading_;
    } else if (mn_major_) {
      const uint32_t c = mn / 8;
      at += c % width * kChunk + c / width * leading_ + k % 8 * width * kChunk + k / 8 * stride_;
    } else {
      at += mn % 8 * width * kChunk + mn / 8 * stride_ + k / 8 * (mode_ == kPlain ? leading_ : kChunk);
    }
    return at ^ (at >> 7 & swizzle_mask()) << 4;
  }

 private:
  enum Mode : uint32_t { kPlain = 0, k128Bytes = 1, k64Bytes = 2, k32Bytes = 3 };
  static constexpr uint32_t kChunk = 16;  // bytes
  static constexpr uint64_t kFields = 0xc00e3fff3fff3fff;
  // Of the atom that the pattern repeats in.
  uint32_t chunks_in_row() const { return mode_ == kPlain ? 1 : 16u >> mode_; }
  uint32_t swizzle_mask() const { return chunks_in_row() - 1; }

  uint64_t bits_;
  uint32_t start_, leading_, stride_, mode_;
  bool mn_major_;
};

}  // namespace cuda_sim
