// Compares the attention kernels with wgmma with those without it, once, when a card of capability 9.0 is opened. A
// card on which they differ uses the kernels without wgmma.
#pragma once

#include <string>
#include <vector>

#include "ops/cuda/attention/attention.h"
#include "ops/device.h"

namespace vq::cuda {

// What both passes leave, in f32.
struct AttentionResults {
  std::vector<float> o, lse, dq, dk, dv;
};

// Both passes over a small problem: two windows, of several tiles and of less than one, two query heads to a key head.
AttentionResults small_attention(Device& device, Stream stream, const Attention::Card& card, int head_dim);

// The first of the results that differs by more than bf16 allows, by its name; "" when none does.
std::string different_result(const AttentionResults& got, const AttentionResults& want);

// The same of kernels with and without wgmma, for all head sizes that are compiled: "dq 128", say.
std::string different_with_wgmma(Device& device, Stream stream, Attention::Card card);

}  // namespace vq::cuda
