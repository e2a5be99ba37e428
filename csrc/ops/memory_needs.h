// What a device can do, and the memory that weights and ops take on it. Both are known without the device, so that the
// plan for a GPU that is not in this machine comes from the code that allocates on one that is.
#pragma once

#include <span>

#include "ops/weight.h"

namespace vq {

// Optional parts of the contract that change what the caller must do.
struct Capabilities {
  bool discrete_memory = false;  // the device has its own memory; if not, it shares the host's (unified memory)
  bool casts_operands = false;   // GEMM operands of any type: the device casts them; if not, the caller does, by copy()
  bool quantized_weights = false;  // make_weight takes int8, nf4 and fp8
  bool fp8_gemm = false;           // and fp8_gemm, which needs reserve_cast_workspace()
};

struct AttentionShape {
  int heads;     // H
  int kv_heads;  // G
  int head_dim;  // D
  float scale;   // 1 / sqrt(D)
};

class MemoryNeeds {
 public:
  virtual ~MemoryNeeds() = default;
  virtual Capabilities capabilities() const { return {}; }
  // The memory of a weight that make_weight makes; the data of the blocks may be null.
  virtual WeightBytes weight_bytes(std::span<const WeightBlock> blocks, int64_t k, DType compute, unsigned uses,
                                   WeightFormat format = WeightFormat::plain) const = 0;
  // Workspace of ops on `rows` rows with GEMMs [n, k] and attention of this shape: see Device::reserve_workspace.
  virtual size_t workspace_bytes(int64_t /*rows*/, int64_t /*n*/, int64_t /*k*/,
                                 const AttentionShape& /*shape*/) const {
    return 0;
  }
  // Workspace for casting GEMM inputs to the format of the weight: see Device::reserve_cast_workspace.
  virtual size_t cast_workspace_bytes(int64_t /*rows*/, int64_t /*widest*/, WeightFormat /*format*/) const { return 0; }
  // What the driver and its libraries will take in addition from now on.
  virtual size_t driver_bytes() const { return 0; }
};

}  // namespace vq
