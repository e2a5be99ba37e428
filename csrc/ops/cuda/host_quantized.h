// A block of a weight, quantized on the host before it is copied to the GPU.
#pragma once

#include <memory>

#include "ops/quantize.h"

namespace vq::cuda {

struct HostQuantized {
  HostQuantized(WeightFormat format, const WeightBlock& block, int64_t k) : sizes(format, block.rows, k) {
    static Pool threads(usable_processors());
    memory = std::make_unique_for_overwrite<uint8_t[]>(sizes.all());
    uint8_t* p = memory.get();
    parts = {p, reinterpret_cast<float*>(p + sizes.codes), p + sizes.codes + sizes.scales};
    block_mean = quantize(format, block, k, parts, threads);
  }

  QuantizedSizes sizes;
  std::unique_ptr<uint8_t[]> memory;
  QuantizedParts parts{};
  float block_mean = 0;  // nf4
};

}  // namespace vq::cuda
