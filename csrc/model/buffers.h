// The buffers of a pass through the layers. They are allocated once, for the largest pass, and sliced to the rows of
// each.
//
// Letters as in config.h. "act" is the compute type (f32 or bf16). The residual stream x and its gradient are f32 in
// both precisions: in bf16 the error of a layer's output is then that of its last GEMM's operands and does not add up.
// T|R: T rows, but R in the last layer, which computes only the output rows after its keys and values.
#pragma once

#include "model/arena.h"
#include "model/config.h"
#include "model/lora_layout.h"

namespace vq {

// The largest pass that buffers are made for.
struct PassLimits {
  int64_t rows;       // T
  int64_t out_rows;   // R
  int64_t positions;  // of the longest sequence
};

// What one layer keeps for its backward pass.
struct Activations {
  Tensor x;               // [T, C] f32      input
  float* rstd_attention;  // [T]
  Tensor qkv;             // [T, HD + 2GD] act  empty in the last layer
  Tensor q;               // [T|R, HD] act   before norm and RoPE; a slice of qkv where there is one
  Tensor kv;              // [T, 2GD] act    keys before norm and RoPE, values; likewise
  float* rstd_q;          // [T|R, H]
  float* rstd_k;          // [T, G]
  Tensor o;               // [T|R, HD] act   result of attention
  float* lse;             // [T|R, H]
  Tensor x_attn;          // [T|R, C] f32    the residual stream after attention
  float* rstd_mlp;        // [T|R]
  Tensor gate_up;         // [T|R, 2F] act
  Tensor z[input_count];  // [T|R, ranks] act  x A^T of each adapted input

  Activations slice(int64_t rows, int64_t out_rows) const;
};

// Scratch that all layers of a forward pass share.
struct Scratch {
  Tensor normed;       // [T, C] act
  Tensor normed_out;   // [R, C] act   the input of the last layer's queries
  Tensor q;            // [T, HD] act  after norm and RoPE
  Tensor k;            // [T, GD] act
  Tensor h;            // [T, F] act   after SwiGLU
  Tensor dropped;      // [T, max(C, HD, F)] act  with dropout only
  Tensor dropped_out;  // [R, C] act   with dropout only
};

// Gradients of a backward pass, shared by all layers.
struct GradientBuffers {
  Tensor dx;          // [T, C] f32   of the residual stream
  Tensor dx_out;      // [R, C] f32   of the last layer's output
  Tensor dh;          // [T, F] act
  Tensor d_o;         // [T, HD] act
  Tensor dqkv;        // [T, HD + 2GD] act
  Tensor dq_out;      // [R, HD] act
  Tensor dn;          // [T, C] act   of a normed input
  Tensor dn_out;      // [R, C] act
  Tensor dz;          // [T, most ranks] act
  Tensor masked;      // [T, max(C, HD, F)] act  dz A before the dropout mask; with dropout only
  Tensor masked_out;  // [R, C] act   with dropout only
  Tensor cast;        // [T, C] act   dx as a GEMM operand, if the device does not cast operands
};

// Whether f32 buffers need a copy in the activations' type to be GEMM operands.
inline bool needs_cast(const MemoryNeeds& needs, DType act) {
  return act != DType::f32 && !needs.capabilities().casts_operands;
}

// lora may be null. purpose: activations in training, workspace when nothing is kept.
Activations allocate_activations(Arena& arena, Purpose purpose, const ModelConfig& config, DType act,
                                 const LoraLayout* lora, int layer, const PassLimits& limits);
Scratch allocate_scratch(Arena& arena, const ModelConfig& config, DType act, bool dropout, const PassLimits& limits);
GradientBuffers allocate_gradients(Arena& arena, const ModelConfig& config, DType act, const LoraLayout& lora,
                                   bool cast, const PassLimits& limits);

// The cos_sin table of the device's head_norm_rope for positions 0 .. positions - 1, rounded as transformers' float32
// arithmetic rounds it.
const float* allocate_rope_table(Arena& arena, const ModelConfig& config, int64_t positions);

}  // namespace vq
