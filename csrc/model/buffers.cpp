#include "model/buffers.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace vq {

namespace {
Tensor cut_rows(const Tensor& t, int64_t rows) { return t.cols == 0 ? t : t.row_range(0, rows); }
}  // namespace

Activations Activations::cut(int64_t rows, int64_t out_rows) const {
  Activations a = *this;
  a.x = cut_rows(x, rows);
  a.qkv = cut_rows(qkv, rows);
  a.q = cut_rows(q, out_rows);
  a.kv = cut_rows(kv, rows);
  a.o = cut_rows(o, out_rows);
  a.x_mid = cut_rows(x_mid, out_rows);
  a.gate_up = cut_rows(gate_up, out_rows);
  for (int i = 0; i < input_count; i++) {
    a.z[i] = cut_rows(z[i], i == attention_in || i == key_value_in ? rows : out_rows);
  }
  return a;
}

Activations take_activations(Memory& m, Purpose of, const Shape& s, DType act, const AdapterLayout* adapter, int layer,
                             const PassLimits& limits) {
  const bool last = layer + 1 == s.layers;
  const int64_t rows = limits.rows, out_rows = last ? limits.final_rows : rows;
  Activations a;
  a.x = m.matrix(of, DType::f32, rows, s.hidden);
  a.rstd_attention = m.array<float>(of, rows);
  if (last) {
    a.q = m.matrix(of, act, out_rows, s.q_size());
    a.kv = m.matrix(of, act, rows, 2 * s.kv_size());
  } else {
    a.qkv = m.matrix(of, act, rows, s.q_size() + 2 * s.kv_size());
    a.q = a.qkv.columns(0, s.q_size());
    a.kv = a.qkv.columns(s.q_size(), 2 * s.kv_size());
  }
  a.rstd_q = m.array<float>(of, out_rows * s.heads);
  a.rstd_k = m.array<float>(of, rows * s.kv_heads);
  a.o = m.matrix(of, act, out_rows, s.q_size());
  a.lse = m.array<float>(of, out_rows * s.heads);
  a.x_mid = m.matrix(of, DType::f32, out_rows, s.hidden);
  a.rstd_mlp = m.array<float>(of, out_rows);
  a.gate_up = m.matrix(of, act, out_rows, 2 * s.ffn);
  for (int i = 0; adapter && i < input_count; i++) {
    const AdapterGroup& group = adapter->group(layer, static_cast<Input>(i));
    if (group.count == 0) continue;
    a.z[i] = m.matrix(of, act, i == attention_in || i == key_value_in ? rows : out_rows, group.ranks);
  }
  return a;
}

Scratch take_scratch(Memory& m, const Shape& s, DType act, bool dropout, const PassLimits& limits) {
  const Purpose of = Purpose::workspace;
  Scratch t;
  t.normed = m.matrix(of, act, limits.rows, s.hidden);
  t.normed_final = m.matrix(of, act, limits.final_rows, s.hidden);
  t.q = m.matrix(of, act, limits.rows, s.q_size());
  t.k = m.matrix(of, act, limits.rows, s.kv_size());
  t.h = m.matrix(of, act, limits.rows, s.ffn);
  if (dropout) {
    t.dropped = m.matrix(of, act, limits.rows, s.widest_input());
    t.dropped_final = m.matrix(of, act, limits.final_rows, s.hidden);
  }
  return t;
}

Gradients take_gradients(Memory& m, const Shape& s, DType act, const AdapterLayout& adapter, bool rounded,
                         const PassLimits& limits) {
  const Purpose of = Purpose::workspace;
  const int64_t rows = limits.rows, final_rows = limits.final_rows;
  Gradients g;
  g.dx = m.matrix(of, DType::f32, rows, s.hidden);
  g.dx_final = m.matrix(of, DType::f32, final_rows, s.hidden);
  g.dh = m.matrix(of, act, rows, s.ffn);
  g.d_o = m.matrix(of, act, rows, s.q_size());
  g.dqkv = m.matrix(of, act, rows, s.q_size() + 2 * s.kv_size());
  g.dq_final = m.matrix(of, act, final_rows, s.q_size());
  g.dn = m.matrix(of, act, rows, s.hidden);
  g.dn_final = m.matrix(of, act, final_rows, s.hidden);
  int64_t ranks = 0;
  for (int layer : {0, s.layers - 1}) {
    for (int i = 0; i < input_count; i++) ranks = std::max(ranks, adapter.group(layer, static_cast<Input>(i)).ranks);
  }
  g.dz = m.matrix(of, act, rows, ranks);
  if (adapter.config().dropout > 0) {
    g.masked = m.matrix(of, act, rows, s.widest_input());
    g.masked_final = m.matrix(of, act, final_rows, s.hidden);
  }
  if (rounded) g.rounded = m.matrix(of, act, rows, s.hidden);
  return g;
}

const float* take_rotations(Memory& memory, Device& device, const Shape& shape, int64_t positions) {
  const int half = shape.head_dim / 2;
  float* table = memory.array<float>(Purpose::workspace, positions * shape.head_dim);
  if (memory.counting()) return nullptr;
  std::vector<float> frequency(half), row(shape.head_dim);
  for (int i = 0; i < half; i++) {
    frequency[i] = 1.0f / std::pow(static_cast<float>(shape.rope_theta), static_cast<float>(2 * i) / shape.head_dim);
  }
  for (int64_t p = 0; p < positions; p++) {
    for (int i = 0; i < half; i++) {
      const float angle = static_cast<float>(p) * frequency[i];
      row[i] = static_cast<float>(std::cos(static_cast<double>(angle)));
      row[half + i] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
    device.upload(table + p * shape.head_dim, row.data(), row.size() * sizeof(float));
  }
  return table;
}

}  // namespace vq
