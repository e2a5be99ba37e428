// Compares the attention kernels with and without wgmma once, when a GPU of capability 9.0 is opened. If they differ,
// the GPU uses the kernels without wgmma.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/cuda/attention/attention.h"
#include "ops/device.h"

namespace vq::cuda {

// The results of both passes, in f32.
struct AttentionResults {
  std::vector<float> o, lse, dq, dk, dv;
};

// Rows of the long window when a GPU is opened: 18 blocks of 64 keys, and for dK and dV 2,200 stacked rows, so that
// every stage of shared memory is used several times.
constexpr int32_t kOpeningRows = 1100;

// Runs both passes on a small problem: two windows, one of so many rows and one shorter than a tile, with two query
// heads per key head.
AttentionResults small_attention(Device& device, Stream stream, const Attention::Gpu& gpu, int head_dim, int32_t rows);

// The name of the first result that differs by more than bf16 rounding allows, or "" if none does.
std::string different_result(const AttentionResults& got, const AttentionResults& want);

// Compares kernels with and without wgmma for all compiled head sizes; returns, for example, "dq 128".
std::string different_with_wgmma(Device& device, Stream stream, Attention::Gpu gpu, int32_t rows);

}  // namespace vq::cuda
