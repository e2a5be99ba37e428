#include "model/decoder_forward.h"

namespace vq {

DropoutKey mask(int layer, Input input, const Pass& pass) {
  const Input shared = input == query_in || input == key_value_in ? attention_in : input;
  return {pass.dropout_seed, static_cast<uint64_t>(layer) * input_count + shared, pass.dropout};
}

void Layers::forward(int layer, const Activations& all, const Tensor& out_all, const Pass& pass) const {
  const int64_t rows = out_rows(layer, pass);
  const Activations a = all.cut(pass.rows, rows);
  project_attention(layer, a, pass);
  const Attended at = rotated(layer, a, pass);
  if (rows == 0) return;

  const Tensor out = out_all.row_range(0, rows);
  if (last(layer)) {
    device_.gather_rows(out, a.x, pass.final_row);
    attention(layer, a, at, out, pass);
  } else {
    attention(layer, a, at, a.x, pass);
  }
  gate_and_up(layer, a, pass);
  const Seen h = gated(layer, a, pass, Wanted::both);
  device_.linear(out, h.base, *model_.layer(layer).down, &a.x_mid);
  if (adapted(layer, mlp_out)) adapt(out, h.adapter, a, layer, mlp_out);
}

void Layers::recompute(int layer, const Activations& all, const Pass& pass) const {
  const Activations a = all.cut(pass.rows, pass.rows);
  project_attention(layer, a, pass);
  attention(layer, a, rotated(layer, a, pass), a.x, pass);
  gate_and_up(layer, a, pass);
  if (adapted(layer, mlp_out)) {
    low_rank_->reduce(a.z[mlp_out], gated(layer, a, pass, Wanted::adapters).adapter, layer, mlp_out);
  }
}

// x_mid = x + o W^T, where x are the rows that the layer's output has.
void Layers::attention(int layer, const Activations& a, const Attended& at, const Tensor& x, const Pass& pass) const {
  device_.attention(a.o, a.lse, at.q, at.k, at.v, model_.shape().attention(),
                    last(layer) ? pass.final_plan : pass.plan);
  device_.linear(a.x_mid, a.o, *model_.layer(layer).o, &x);
  if (adapted(layer, attention_out)) {
    adapt(a.x_mid, dropped(a.o, layer, attention_out, pass), a, layer, attention_out);
  }
}

void Layers::gate_and_up(int layer, const Activations& a, const Pass& pass) const {
  const Seen normed = norm_mlp(layer, a, pass, Wanted::both);
  device_.linear(a.gate_up, normed.base, *model_.layer(layer).gate_up, nullptr);
  if (adapted(layer, mlp_in)) adapt(a.gate_up, normed.adapter, a, layer, mlp_in);
}

void Layers::project_attention(int layer, const Activations& a, const Pass& pass) const {
  const LayerWeights& w = model_.layer(layer);
  const Seen normed = norm_attention(layer, a, pass, Wanted::both);
  if (!last(layer)) {
    device_.linear(a.qkv, normed.base, *w.qkv, nullptr);
    if (adapted(layer, attention_in)) adapt(a.qkv, normed.adapter, a, layer, attention_in);
    return;
  }
  device_.linear(a.kv, normed.base, *w.kv, nullptr);
  const bool queries = pass.final_rows > 0;
  if (queries) {
    device_.linear(a.q, final_rows_of(normed.base, scratch_.normed_final, pass), *w.query, nullptr);
  }
  if (adapted(layer, key_value_in)) adapt(a.kv, normed.adapter, a, layer, key_value_in);
  if (adapted(layer, query_in) && queries) {
    // Without dropout these rows are gathered already; with it they go beside them.
    const Tensor& into = pass.dropout > 0 ? scratch_.dropped_final : scratch_.normed_final;
    adapt(a.q, final_rows_of(normed.adapter, into, pass), a, layer, query_in);
  }
}

void Layers::adapt(const Tensor& y, const Tensor& seen, const Activations& a, int layer, Input input) const {
  low_rank_->reduce(a.z[input], seen, layer, input);
  low_rank_->expand(y, a.z[input], layer, input);
}

Seen Layers::place(const Tensor& memory, int64_t rows, int64_t cols, bool masked, Wanted wanted) const {
  const Tensor base = memory.row_range(0, rows);
  if (!masked) return {base, {}};
  return {wanted == Wanted::both ? base : Tensor{}, scratch_.dropped.row_range(0, rows).columns(0, cols)};
}

Seen Layers::norm_attention(int layer, const Activations& a, const Pass& pass, Wanted wanted) const {
  const bool any = adapted(layer, attention_in) || adapted(layer, query_in) || adapted(layer, key_value_in);
  const Seen to = place(scratch_.normed, a.x.rows, a.x.cols, any && pass.dropout > 0, wanted);
  device_.rms_norm(to.base, a.rstd_attention, a.x, model_.layer(layer).attention_norm, model_.shape().norm_eps,
                   {to.adapter, mask(layer, attention_in, pass)});
  return {to.base, to.adapter.empty() ? to.base : to.adapter};
}

Seen Layers::norm_mlp(int layer, const Activations& a, const Pass& pass, Wanted wanted) const {
  const bool masked = adapted(layer, mlp_in) && pass.dropout > 0;
  const Seen to = place(scratch_.normed, a.x_mid.rows, a.x_mid.cols, masked, wanted);
  device_.rms_norm(to.base, a.rstd_mlp, a.x_mid, model_.layer(layer).mlp_norm, model_.shape().norm_eps,
                   {to.adapter, mask(layer, mlp_in, pass)});
  return {to.base, to.adapter.empty() ? to.base : to.adapter};
}

Seen Layers::gated(int layer, const Activations& a, const Pass& pass, Wanted wanted) const {
  const bool masked = adapted(layer, mlp_out) && pass.dropout > 0;
  const Seen to = place(scratch_.h, a.gate_up.rows, a.gate_up.cols / 2, masked, wanted);
  device_.swiglu(to.base, a.gate_up, {to.adapter, mask(layer, mlp_out, pass)});
  return {to.base, to.adapter.empty() ? to.base : to.adapter};
}

Attended Layers::rotated(int layer, const Activations& a, const Pass& pass) const {
  const Shape& s = model_.shape();
  const LayerWeights& w = model_.layer(layer);
  const Tensor k = scratch_.k.row_range(0, a.kv.rows);
  device_.head_norm_rope(k, a.rstd_k, a.kv.columns(0, s.kv_size()), w.key_norm, s.head_dim, s.norm_eps, cos_sin_,
                         pass.positions);
  const Tensor v = a.kv.columns(s.kv_size(), s.kv_size());
  const KeyValues::Views views = pass.key_values ? pass.key_values->place(layer, k, v) : KeyValues::Views{k, v};
  const Tensor q = scratch_.q.row_range(0, a.q.rows);
  if (q.rows > 0) {
    device_.head_norm_rope(q, a.rstd_q, a.q, w.query_norm, s.head_dim, s.norm_eps, cos_sin_,
                           last(layer) ? pass.final_positions : pass.positions);
  }
  return {q, views.k, views.v};
}

Tensor Layers::dropped(const Tensor& x, int layer, Input input, const Pass& pass) const {
  if (pass.dropout == 0) return x;
  const Tensor y = scratch_.dropped.row_range(0, x.rows).columns(0, x.cols);
  device_.dropout(y, x, mask(layer, input, pass), false);
  return y;
}

Tensor Layers::final_rows_of(const Tensor& x, const Tensor& into, const Pass& pass) const {
  const Tensor y = into.row_range(0, pass.final_rows);
  device_.gather_rows(y, x, pass.final_row);
  return y;
}

}  // namespace vq
