#include "model/decoder_backward.h"

namespace vq {

bool Backward::wants_gradient_of(int layer, Input input) const {
  if (layer > 0) return true;
  if (input <= key_value_in) return false;
  for (int below = 0; below < input; below++) {
    if (layers_.adapted(0, static_cast<Input>(below))) return true;
  }
  return false;
}

Tensor Backward::operand(const Tensor& dx) const {
  if (g_.rounded.cols == 0) return dx;
  const Tensor y = g_.rounded.row_range(0, dx.rows);
  device_.copy(y, dx);
  return y;
}

void Backward::run(int layer, const Activations& all, const Pass& pass) const {
  const int64_t rows = layers_.out_rows(layer, pass);
  const Activations a = all.cut(pass.rows, rows);
  const Tensor dx = (layers_.last(layer) ? g_.dx_final : g_.dx).row_range(0, rows);
  mlp(layer, a, dx, pass);
  if (wants_gradient_of(layer, mlp_in)) attention(layer, a, dx, pass);
}

// dx: gradient of the layer's output, becomes that of x_mid.
void Backward::mlp(int layer, const Activations& a, const Tensor& dx, const Pass& pass) const {
  const LayerWeights& w = model_.layer(layer);
  const Tensor dh = g_.dh.row_range(0, dx.rows);
  const bool below_down = wants_gradient_of(layer, mlp_out);
  const Tensor dy = operand(dx);
  if (below_down) device_.linear_backward(dh, dy, *w.down, false);
  FusedDropout left;
  if (layers_.adapted(layer, mlp_out)) {
    const Tensor seen = layers_.gated(layer, a, pass, Wanted::adapters).adapter;
    left = adapter(layer, mlp_out, dy, seen, a, below_down ? &dh : nullptr, pass);
  }
  if (!below_down) return;

  const Tensor& d_gate_up = a.gate_up;
  device_.swiglu_backward(d_gate_up, dh, a.gate_up, left);
  left = {};
  const Tensor dn = g_.dn.row_range(0, dx.rows);
  const bool below_mlp = wants_gradient_of(layer, mlp_in);
  if (below_mlp) device_.linear_backward(dn, d_gate_up, *w.gate_up, false);
  if (layers_.adapted(layer, mlp_in)) {
    const Tensor seen = layers_.norm_mlp(layer, a, pass, Wanted::adapters).adapter;
    left = adapter(layer, mlp_in, d_gate_up, seen, a, below_mlp ? &dn : nullptr, pass);
  }
  if (below_mlp) device_.rms_norm_backward(dx, dn, a.x_mid, a.rstd_mlp, w.mlp_norm, true, left);
}

// dx: gradient of x_mid. Leaves that of the layer's input in g_.dx.
void Backward::attention(int layer, const Activations& a, const Tensor& dx, const Pass& pass) const {
  const Shape& s = model_.shape();
  const LayerWeights& w = model_.layer(layer);
  const bool last = layers_.last(layer);
  const Tensor d_o = g_.d_o.row_range(0, dx.rows);
  const bool below_o = wants_gradient_of(layer, attention_out);
  const Tensor dy = operand(dx);
  if (below_o) device_.linear_backward(d_o, dy, *w.o, false);
  if (layers_.adapted(layer, attention_out)) {
    const Tensor seen = layers_.dropped(a.o, layer, attention_out, pass);
    const FusedDropout left = adapter(layer, attention_out, dy, seen, a, below_o ? &d_o : nullptr, pass);
    if (!left.x.empty()) device_.dropout(d_o, left.x, left.key, true);
  }
  if (!below_o) return;

  const Tensor dqkv = g_.dqkv.row_range(0, pass.rows);
  const Tensor dq = last ? g_.dq_final.row_range(0, dx.rows) : dqkv.columns(0, s.q_size());
  const Tensor dkv = dqkv.columns(s.q_size(), 2 * s.kv_size());
  const Tensor dk = dkv.columns(0, s.kv_size()), dv = dkv.columns(s.kv_size(), s.kv_size());
  const Attended at = layers_.rotated(layer, a, pass);
  device_.attention_backward(dq, dk, dv, d_o, at.q, at.k, at.v, a.o, a.lse, s.attention(),
                             last ? pass.final_plan : pass.plan);
  device_.head_norm_rope_backward(dq, dq, a.q, a.rstd_q, w.query_norm, s.head_dim, layers_.cos_sin(),
                                  last ? pass.final_positions : pass.positions);
  device_.head_norm_rope_backward(dk, dk, a.kv.columns(0, s.kv_size()), a.rstd_k, w.key_norm, s.head_dim,
                                  layers_.cos_sin(), pass.positions);
  if (last) {
    final_attention_input(layer, a, dq, dkv, pass);
  } else {
    attention_input(layer, a, dqkv, pass);
  }
}

void Backward::attention_input(int layer, const Activations& a, const Tensor& dqkv, const Pass& pass) const {
  const LayerWeights& w = model_.layer(layer);
  const Tensor dx = g_.dx.row_range(0, pass.rows), dn = g_.dn.row_range(0, pass.rows);
  const bool below = wants_gradient_of(layer, attention_in);
  if (below) device_.linear_backward(dn, dqkv, *w.qkv, false);
  FusedDropout left;
  if (layers_.adapted(layer, attention_in)) {
    const Tensor seen = layers_.norm_attention(layer, a, pass, Wanted::adapters).adapter;
    left = adapter(layer, attention_in, dqkv, seen, a, below ? &dn : nullptr, pass);
  }
  if (below) device_.rms_norm_backward(dx, dn, a.x, a.rstd_attention, w.attention_norm, true, left);
}

// The same where queries are R rows and keys and values T: what the rows' gradients share is scattered back onto T rows
// before the mask, which was drawn for T rows, and before the norm.
void Backward::final_attention_input(int layer, const Activations& a, const Tensor& dq, const Tensor& dkv,
                                     const Pass& pass) const {
  const LayerWeights& w = model_.layer(layer);
  const Tensor dn = g_.dn.row_range(0, pass.rows), dn_final = g_.dn_final.row_range(0, pass.final_rows);
  const bool below = wants_gradient_of(layer, attention_in);
  if (below) {
    device_.linear_backward(dn, dkv, *w.kv, false);
    device_.linear_backward(dn_final, dq, *w.query, false);
  }

  const bool masked = pass.dropout > 0;
  const bool query = layers_.adapted(layer, query_in), key_value = layers_.adapted(layer, key_value_in);
  if (query || key_value) {
    const Tensor seen = layers_.norm_attention(layer, a, pass, Wanted::adapters).adapter;
    const Tensor d_seen = masked ? g_.masked.row_range(0, pass.rows).columns(0, seen.cols) : dn;
    const Tensor d_seen_final = masked ? g_.masked_final.row_range(0, pass.final_rows) : dn_final;
    if (key_value) {
      const Tensor dz = adapter_parameters(layer, key_value_in, dkv, seen, a);
      if (below) adapter_input(d_seen, layer, key_value_in, dz, !masked);
    } else if (masked && below) {
      device_.zero(d_seen);
    }
    if (query) {
      const Scratch& s = layers_.scratch();
      const Tensor seen_final = layers_.final_rows_of(seen, masked ? s.dropped_final : s.normed_final, pass);
      const Tensor dz = adapter_parameters(layer, query_in, dq, seen_final, a);
      if (below) adapter_input(d_seen_final, layer, query_in, dz, !masked);
      if (below && masked) device_.scatter_add_rows(d_seen, d_seen_final, pass.final_row);
    }
    if (below && masked) device_.dropout(dn, d_seen, mask(layer, attention_in, pass), true);
  }
  if (!below) return;

  device_.scatter_add_rows(dn, dn_final, pass.final_row);
  const Tensor dx = g_.dx.row_range(0, pass.rows);
  device_.rms_norm_backward(dx, dn, a.x, a.rstd_attention, w.attention_norm, false);
  device_.scatter_add_rows(dx, g_.dx_final.row_range(0, pass.final_rows), pass.final_row);
}

FusedDropout Backward::adapter(int layer, Input input, const Tensor& dy, const Tensor& seen, const Activations& a,
                               const Tensor* dx, const Pass& pass) const {
  const Tensor dz = adapter_parameters(layer, input, dy, seen, a);
  if (!dx) return {};
  if (pass.dropout == 0) {
    adapter_input(*dx, layer, input, dz, true);
    return {};
  }
  const Tensor d_seen = g_.masked.row_range(0, seen.rows).columns(0, seen.cols);
  adapter_input(d_seen, layer, input, dz, false);
  return {d_seen, mask(layer, input, pass)};
}

Tensor Backward::adapter_parameters(int layer, Input input, const Tensor& dy, const Tensor& seen,
                                    const Activations& a) const {
  const AdapterLayout& layout = adapter_.layout();
  const AdapterGroup& group = layout.group(layer, input);
  const float scale = layout.config().scale;
  const DType compute = model_.compute();
  const Tensor dz = g_.dz.row_range(0, dy.rows).columns(0, group.ranks);
  for (int i = 0; i < group.count; i++) {
    const AdapterPart& part = group.parts[i];
    const Tensor dy_part = dy.columns(part.column, part.out);
    const Tensor z_part = a.z[input].columns(part.rank_row, layout.rank());
    device_.matmul(matrix_b(gradient_, layout, layer, part), dy_part, true, z_part, false, scale, true, compute);
    device_.matmul(dz.columns(part.rank_row, layout.rank()), dy_part, false,
                   matrix_b(adapter_.operands(layer), layout, layer, part), false, scale, false, compute);
  }
  device_.matmul(stacked_a(gradient_, layout, layer, group), dz, true, seen, false, 1, true, compute);
  return dz;
}

void Backward::adapter_input(const Tensor& d_seen, int layer, Input input, const Tensor& dz, bool accumulate) const {
  const AdapterLayout& layout = adapter_.layout();
  const AdapterGroup& group = layout.group(layer, input);
  device_.matmul(d_seen, dz, false, stacked_a(adapter_.operands(layer), layout, layer, group), false, 1, accumulate,
                 model_.compute());
}

}  // namespace vq
