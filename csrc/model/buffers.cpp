#include "model/buffers.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace vq {

namespace {
Tensor first_rows(const Tensor& t, int64_t rows) { return t.cols == 0 ? t : t.row_range(0, rows); }
}  // namespace

Activations Activations::slice(int64_t rows, int64_t out_rows) const {
  Activations a = *this;
  a.x = first_rows(x, rows);
  a.qkv = first_rows(qkv, rows);
  a.q = first_rows(q, out_rows);
  a.kv = first_rows(kv, rows);
  a.o = first_rows(o, out_rows);
  a.x_attn = first_rows(x_attn, out_rows);
  a.gate_up = first_rows(gate_up, out_rows);
  for (int i = 0; i < input_count; i++) {
    a.z[i] = first_rows(z[i], i == attention_in || i == key_value_in ? rows : out_rows);
  }
  return a;
}

Activations allocate_activations(Arena& m, Purpose purpose, const ModelConfig& c, DType act, const LoraLayout* lora,
                                 int layer, const PassLimits& limits) {
  const bool last = layer + 1 == c.layers;
  const int64_t rows = limits.rows, out_rows = last ? limits.out_rows : rows;
  Activations a;
  a.x = m.matrix(purpose, DType::f32, rows, c.hidden);
  a.rstd_attention = m.array<float>(purpose, rows);
  if (last) {
    a.q = m.matrix(purpose, act, out_rows, c.q_size());
    a.kv = m.matrix(purpose, act, rows, 2 * c.kv_size());
  } else {
    a.qkv = m.matrix(purpose, act, rows, c.q_size() + 2 * c.kv_size());
    a.q = a.qkv.columns(0, c.q_size());
    a.kv = a.qkv.columns(c.q_size(), 2 * c.kv_size());
  }
  a.rstd_q = m.array<float>(purpose, out_rows * c.heads);
  a.rstd_k = m.array<float>(purpose, rows * c.kv_heads);
  a.o = m.matrix(purpose, act, out_rows, c.q_size());
  a.lse = m.array<float>(purpose, out_rows * c.heads);
  a.x_attn = m.matrix(purpose, DType::f32, out_rows, c.hidden);
  a.rstd_mlp = m.array<float>(purpose, out_rows);
  a.gate_up = m.matrix(purpose, act, out_rows, 2 * c.ffn);
  for (int i = 0; lora && i < input_count; i++) {
    const LoraGroup& group = lora->group(layer, static_cast<Input>(i));
    if (group.count == 0) continue;
    a.z[i] = m.matrix(purpose, act, i == attention_in || i == key_value_in ? rows : out_rows, group.ranks);
  }
  return a;
}

Scratch allocate_scratch(Arena& m, const ModelConfig& c, DType act, bool dropout, const PassLimits& limits) {
  const Purpose purpose = Purpose::workspace;
  Scratch t;
  t.normed = m.matrix(purpose, act, limits.rows, c.hidden);
  t.normed_out = m.matrix(purpose, act, limits.out_rows, c.hidden);
  t.q = m.matrix(purpose, act, limits.rows, c.q_size());
  t.k = m.matrix(purpose, act, limits.rows, c.kv_size());
  t.h = m.matrix(purpose, act, limits.rows, c.ffn);
  if (dropout) {
    t.dropped = m.matrix(purpose, act, limits.rows, c.widest_input());
    t.dropped_out = m.matrix(purpose, act, limits.out_rows, c.hidden);
  }
  return t;
}

GradientBuffers allocate_gradients(Arena& m, const ModelConfig& c, DType act, const LoraLayout& lora, bool cast,
                                   const PassLimits& limits) {
  const Purpose purpose = Purpose::workspace;
  const int64_t rows = limits.rows, out_rows = limits.out_rows;
  GradientBuffers g;
  g.dx = m.matrix(purpose, DType::f32, rows, c.hidden);
  g.dx_out = m.matrix(purpose, DType::f32, out_rows, c.hidden);
  g.dh = m.matrix(purpose, act, rows, c.ffn);
  g.d_o = m.matrix(purpose, act, rows, c.q_size());
  g.dqkv = m.matrix(purpose, act, rows, c.q_size() + 2 * c.kv_size());
  g.dq_out = m.matrix(purpose, act, out_rows, c.q_size());
  g.dn = m.matrix(purpose, act, rows, c.hidden);
  g.dn_out = m.matrix(purpose, act, out_rows, c.hidden);
  g.dz = m.matrix(purpose, act, rows, lora.max_ranks());
  if (lora.config().dropout > 0) {
    g.masked = m.matrix(purpose, act, rows, c.widest_input());
    g.masked_out = m.matrix(purpose, act, out_rows, c.hidden);
  }
  if (cast) g.cast = m.matrix(purpose, act, rows, c.hidden);
  return g;
}

const float* allocate_rope_table(Arena& arena, const ModelConfig& config, int64_t positions) {
  const int half = config.head_dim / 2;
  float* table = arena.array<float>(Purpose::workspace, positions * config.head_dim);
  if (arena.counting()) return nullptr;
  std::vector<float> frequency(half), row(config.head_dim);
  for (int i = 0; i < half; i++) {
    frequency[i] = 1.0f / std::pow(static_cast<float>(config.rope_theta), static_cast<float>(2 * i) / config.head_dim);
  }
  for (int64_t p = 0; p < positions; p++) {
    for (int i = 0; i < half; i++) {
      const float angle = static_cast<float>(p) * frequency[i];
      row[i] = static_cast<float>(std::cos(static_cast<double>(angle)));
      row[half + i] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
    arena.device().upload(table + p * config.head_dim, row.data(), row.size() * sizeof(float));
  }
  return table;
}

}  // namespace vq
