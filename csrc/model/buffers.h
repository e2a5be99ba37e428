// The buffers of a pass through the layers. All are taken once, for the largest pass, and cut to the rows of each.
//
// Letters as in config.h. "act" is the compute type (f32 or bf16). The residual stream x and its gradient are f32 in
// both precisions: in bf16 the error of a layer's output is that of its last product's operands, and does not pile up.
// T|R: T rows, but R in the last layer, where nothing after the keys and values is computed for other rows.
#pragma once

#include "model/arena.h"
#include "model/config.h"

namespace vq {

// The largest pass that buffers are made for.
struct PassLimits {
  int64_t rows;        // T
  int64_t final_rows;  // R
  int64_t positions;   // of the longest sequence
};

// What one layer leaves for its backward pass.
struct Activations {
  Tensor x;               // [T, C] f32      input
  float* rstd_attention;  // [T]
  Tensor qkv;             // [T, HD + 2GD] act  empty in the last layer
  Tensor q;               // [T|R, HD] act   before norm and rotation; a part of qkv where there is one
  Tensor kv;              // [T, 2GD] act    keys before norm and rotation, values; likewise
  float* rstd_q;          // [T|R, H]
  float* rstd_k;          // [T, G]
  Tensor o;               // [T|R, HD] act   result of attention
  float* lse;             // [T|R, H]
  Tensor x_mid;           // [T|R, C] f32    the residual stream after attention
  float* rstd_mlp;        // [T|R]
  Tensor gate_up;         // [T|R, 2F] act
  Tensor z[input_count];  // [T|R, ranks] act  x A^T of each adapted input

  Activations cut(int64_t rows, int64_t out_rows) const;
};

// What one layer after the other uses.
struct Scratch {
  Tensor normed;         // [T, C] act
  Tensor normed_final;   // [R, C] act   the last layer's input of queries
  Tensor q;              // [T, HD] act  normed and rotated
  Tensor k;              // [T, GD] act
  Tensor h;              // [T, F] act   gated
  Tensor dropped;        // [T, max(C, HD, F)] act  with dropout only
  Tensor dropped_final;  // [R, C] act   with dropout only
};

// Gradients on their way down.
struct Gradients {
  Tensor dx;            // [T, C] f32   of the residual stream
  Tensor dx_final;      // [R, C] f32   of the last layer's
  Tensor dh;            // [T, F] act
  Tensor d_o;           // [T, HD] act
  Tensor dqkv;          // [T, HD + 2GD] act
  Tensor dq_final;      // [R, HD] act
  Tensor dn;            // [T, C] act   of a normed input
  Tensor dn_final;      // [R, C] act
  Tensor dz;            // [T, most ranks] act
  Tensor masked;        // [T, max(C, HD, F)] act  dz A before the mask; with dropout only
  Tensor masked_final;  // [R, C] act   with dropout only
  Tensor rounded;       // [T, C] act   dx as an operand, where the device does not round it
};

// Whether what is kept in f32 needs a copy in the type of activations to be an operand of products.
inline bool needs_rounding(const Device& device, DType act) { return act != DType::f32 && !device.casts_operands(); }

// adapter may be null. of: where the activations belong (they are workspace when nothing is kept).
Activations take_activations(Memory& memory, Purpose of, const Shape& shape, DType act, const AdapterLayout* adapter,
                             int layer, const PassLimits& limits);
// Shares x and x_mid with `stream`: [T, C] f32.
Scratch take_scratch(Memory& memory, const Shape& shape, DType act, bool dropout, const PassLimits& limits);
Gradients take_gradients(Memory& memory, const Shape& shape, DType act, const AdapterLayout& adapter, bool rounded,
                         const PassLimits& limits);

// cos_sin of ops.h for positions 0 .. positions - 1, with the roundings of transformers' float32 arithmetic.
const float* take_rotations(Memory& memory, Device& device, const Shape& shape, int64_t positions);

}  // namespace vq
