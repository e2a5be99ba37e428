#include "model/decoder_backward.h"

namespace vq {

void DecoderBackward::run(int layer, const Activations& all, const ForwardPass& pass) const {
  const ModelConfig& c = model_.config();
  const LayerWeights& w = model_.layer(layer);
  const LayerView v = decoder_.view(layer, all, pass);
  const Activations& a = v.a;
  const int64_t rows = v.out_rows;
  const Tensor dx = (v.gather ? g_.dx_out : g_.dx).row_range(0, rows);
  const Tensor dh = g_.dh.row_range(0, rows), dn = g_.dn.row_range(0, rows), d_o = g_.d_o.row_range(0, rows);
  // The steps below run an input's forward step again only if its projection is adapted.
  const auto adapted = [&](Input input) { return decoder_.adapted(layer, input); };

  // out = x_attn + h W_down^T; dx is that of out, and of x_attn through the addition
  const Tensor h = adapted(mlp_out) ? decoder_.swiglu(layer, v, pass, InputUse::adapter).adapter : Tensor{};
  // The layer above, unless it is the last one, ended with rms_norm_backward.
  const bool current = layer + 2 < c.layers;
  FusedDropout lora = project(dh, operand(dx, current), *w.down, h, layer, mlp_out, v, pass);
  if (!needs_gradient(layer, mlp_out)) return;

  // h = silu(gate) up
  const Tensor& d_gate_up = a.gate_up;
  device_.swiglu_backward(d_gate_up, dh, a.gate_up, lora);

  // gate, up = n W^T
  const Tensor n = adapted(mlp_in) ? decoder_.mlp_norm(layer, v, pass, InputUse::adapter).adapter : Tensor{};
  lora = project(dn, d_gate_up, *w.gate_up, n, layer, mlp_in, v, pass);
  if (!needs_gradient(layer, mlp_in)) return;

  // n = rms_norm(x_attn)
  device_.rms_norm_backward(dx, dn, a.x_attn, a.rstd_mlp, w.mlp_norm, true, lora, cast_to(rows));

  // x_attn = x + o W_o^T; dx is now that of x_attn, and of x through the addition
  const Tensor o = adapted(attention_out) ? decoder_.attention_output(layer, v, pass).adapter : Tensor{};
  lora = project(d_o, operand(dx, true), *w.o, o, layer, attention_out, v, pass);
  if (!needs_gradient(layer, attention_out)) return;
  if (!lora.x.empty()) device_.dropout(d_o, lora.x, lora.key, true);

  // o = attention(rope(q), rope(k), v)
  const Tensor dqkv = g_.dqkv.row_range(0, v.rows);
  const Tensor dq = v.gather ? g_.dq_out.row_range(0, rows) : dqkv.columns(0, c.q_size());
  const Tensor dkv = dqkv.columns(c.q_size(), 2 * c.kv_size());
  const Tensor dk = dkv.columns(0, c.kv_size()), dv = dkv.columns(c.kv_size(), c.kv_size());
  const Qkv qkv = decoder_.rope(layer, v, pass);
  device_.attention_backward(dq, dk, dv, d_o, qkv.q, qkv.k, qkv.v, a.o, a.lse, c.attention(), v.plan);
  device_.head_norm_rope_backward(dq, dq, a.q, a.rstd_q, w.query_norm, c.head_dim, decoder_.cos_sin(),
                                  v.query_positions);
  device_.head_norm_rope_backward(dk, dk, a.kv.columns(0, c.kv_size()), a.rstd_k, w.key_norm, c.head_dim,
                                  decoder_.cos_sin(), pass.positions);

  // q, k, v = n W^T; n = rms_norm(x)
  v.gather ? project_last_qkv(layer, dq, dkv, v, pass) : project_qkv(layer, dqkv, v, pass);
}

void DecoderBackward::project_qkv(int layer, const Tensor& dqkv, const LayerView& v, const ForwardPass& pass) const {
  const LayerWeights& w = model_.layer(layer);
  const Tensor dx = g_.dx.row_range(0, v.rows), dn = g_.dn.row_range(0, v.rows);
  Tensor n;
  if (decoder_.adapted(layer, attention_in)) n = decoder_.attention_norm(layer, v, pass, InputUse::adapter).adapter;
  const FusedDropout lora = project(dn, dqkv, *w.qkv, n, layer, attention_in, v, pass);
  if (!needs_gradient(layer, attention_in)) return;
  device_.rms_norm_backward(dx, dn, v.a.x, v.a.rstd_attention, w.attention_norm, true, lora, cast_to(v.rows));
}

// The R rows of the queries' gradient are scattered to T rows before the dropout mask, which was drawn for T rows, and
// before the norm.
void DecoderBackward::project_last_qkv(int layer, const Tensor& dq, const Tensor& dkv, const LayerView& v,
                                       const ForwardPass& pass) const {
  const LayerWeights& w = model_.layer(layer);
  const Tensor dn = g_.dn.row_range(0, v.rows), dn_out = g_.dn_out.row_range(0, v.out_rows);
  const bool below = needs_gradient(layer, attention_in);
  if (below) {
    device_.linear_backward(dn, dkv, *w.kv, false);
    device_.linear_backward(dn_out, dq, *w.query, false);
  }

  const bool dropout = pass.dropout > 0;
  const bool query = decoder_.adapted(layer, query_in), key_value = decoder_.adapted(layer, key_value_in);
  if (query || key_value) {
    const LoraInput n = decoder_.attention_norm(layer, v, pass, InputUse::adapter);
    // The adapter's part of dn, before the mask if there is dropout.
    const Tensor part = dropout ? g_.masked.row_range(0, v.rows).columns(0, dn.cols) : dn;
    const Tensor part_out = dropout ? g_.masked_out.row_range(0, v.out_rows) : dn_out;
    if (key_value) {
      const Tensor dz = lora_parameters(layer, key_value_in, dkv, n.adapter, v.a);
      if (below) lora_input(part, layer, key_value_in, dz, !dropout);
    } else if (dropout && below) {
      device_.zero(part);
    }
    if (query) {
      const Tensor dz = lora_parameters(layer, query_in, dq, decoder_.query_rows(n, v).adapter, v.a);
      if (below) lora_input(part_out, layer, query_in, dz, !dropout);
      if (below && dropout) device_.scatter_add_rows(part, part_out, v.gather);
    }
    if (below && dropout) device_.dropout(dn, part, dropout_key(layer, attention_in, pass), true);
  }
  if (!below) return;

  device_.scatter_add_rows(dn, dn_out, v.gather);
  const Tensor dx = g_.dx.row_range(0, v.rows);
  device_.rms_norm_backward(dx, dn, v.a.x, v.a.rstd_attention, w.attention_norm, false);
  device_.scatter_add_rows(dx, g_.dx_out.row_range(0, v.out_rows), v.gather);
}

Tensor DecoderBackward::operand(const Tensor& dx, bool current) const {
  const Tensor y = cast_to(dx.rows);
  if (y.empty()) return dx;
  if (!current) device_.copy(y, dx);
  return y;
}

FusedDropout DecoderBackward::project(const Tensor& dx, const Tensor& dy, const Weight& w, const Tensor& x, int layer,
                                      Input input, const LayerView& v, const ForwardPass& pass) const {
  const bool below = needs_gradient(layer, input);
  if (below) device_.linear_backward(dx, dy, w, false);
  if (!decoder_.adapted(layer, input)) return {};
  const Tensor dz = lora_parameters(layer, input, dy, x, v.a);
  if (!below) return {};
  if (pass.dropout == 0) {
    lora_input(dx, layer, input, dz, true);
    return {};
  }
  const Tensor part = g_.masked.row_range(0, x.rows).columns(0, x.cols);
  lora_input(part, layer, input, dz, false);
  return {part, dropout_key(layer, input, pass)};
}

Tensor DecoderBackward::lora_parameters(int layer, Input input, const Tensor& dy, const Tensor& x,
                                        const Activations& a) const {
  const LoraLayout& layout = lora_.layout();
  const LoraGroup& group = layout.group(layer, input);
  const float scale = layout.config().scale;
  const DType compute = model_.compute();
  const Tensor dz = g_.dz.row_range(0, dy.rows).columns(0, group.ranks);
  for (int i = 0; i < group.count; i++) {
    const LoraPart& part = group.parts[i];
    const Tensor dy_part = dy.columns(part.column, part.out);
    const Tensor z_part = a.z[input].columns(part.rank_row, layout.rank());
    // dB += scale dy^T z;  dz = scale dy B
    device_.matmul(matrix_b(gradient_, layout, layer, part), dy_part, true, z_part, false, sums_ ? scale : 1, sums_,
                   compute);
    device_.matmul(dz.columns(part.rank_row, layout.rank()), dy_part, false,
                   matrix_b(lora_.operands(layer), layout, layer, part), false, scale, false, compute);
  }
  // dA += dz^T x
  device_.matmul(stacked_a(gradient_, layout, layer, group), dz, true, x, false, 1, sums_, compute);
  return dz;
}

void DecoderBackward::lora_input(const Tensor& dx, int layer, Input input, const Tensor& dz, bool accumulate) const {
  const LoraLayout& layout = lora_.layout();
  const LoraGroup& group = layout.group(layer, input);
  device_.matmul(dx, dz, false, stacked_a(lora_.operands(layer), layout, layer, group), false, 1, accumulate,
                 model_.compute());
}

}  // namespace vq
