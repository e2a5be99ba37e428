#include "model/forward.h"

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
  const Tensor h = gated(a);
  device_.linear(out, h, *model_.layer(layer).down, &a.x_mid);
  adapt(out, h, a, layer, mlp_out, pass);
}

void Layers::recompute(int layer, const Activations& all, const Pass& pass) const {
  const Activations a = all.cut(pass.rows, pass.rows);
  project_attention(layer, a, pass);
  attention(layer, a, rotated(layer, a, pass), a.x, pass);
  gate_and_up(layer, a, pass);
  if (adapted(layer, mlp_out)) {
    low_rank_->reduce(a.z[mlp_out], dropped(gated(a), layer, mlp_out, pass), layer, mlp_out);
  }
}

// x_mid = x + o W^T, where x are the rows that the layer's output has.
void Layers::attention(int layer, const Activations& a, const Attended& at, const Tensor& x, const Pass& pass) const {
  device_.attention(a.o, a.lse, at.q, at.k, at.v, model_.shape().attention(),
                    last(layer) ? pass.final_plan : pass.plan);
  device_.linear(a.x_mid, a.o, *model_.layer(layer).o, &x);
  adapt(a.x_mid, a.o, a, layer, attention_out, pass);
}

void Layers::gate_and_up(int layer, const Activations& a, const Pass& pass) const {
  const Tensor normed = norm_mlp(layer, a);
  device_.linear(a.gate_up, normed, *model_.layer(layer).gate_up, nullptr);
  adapt(a.gate_up, normed, a, layer, mlp_in, pass);
}

void Layers::project_attention(int layer, const Activations& a, const Pass& pass) const {
  const LayerWeights& w = model_.layer(layer);
  const Tensor normed = norm_attention(layer, a);
  if (!last(layer)) {
    device_.linear(a.qkv, normed, *w.qkv, nullptr);
    adapt(a.qkv, normed, a, layer, attention_in, pass);
    return;
  }
  device_.linear(a.kv, normed, *w.kv, nullptr);
  const bool queries = pass.final_rows > 0;
  if (queries) {
    device_.linear(a.q, final_rows_of(normed, scratch_.normed_final, pass), *w.query, nullptr);
  }
  if (!adapted(layer, query_in) && !adapted(layer, key_value_in)) return;
  const Tensor seen = dropped(normed, layer, attention_in, pass);
  if (adapted(layer, key_value_in)) adapt_seen(a.kv, seen, a, layer, key_value_in);
  if (adapted(layer, query_in) && queries) {
    // Without dropout these rows are gathered already; with it they go beside them.
    const Tensor& into = pass.dropout > 0 ? scratch_.dropped_final : scratch_.normed_final;
    adapt_seen(a.q, final_rows_of(seen, into, pass), a, layer, query_in);
  }
}

void Layers::adapt(const Tensor& y, const Tensor& x, const Activations& a, int layer, Input input,
                   const Pass& pass) const {
  if (adapted(layer, input)) adapt_seen(y, dropped(x, layer, input, pass), a, layer, input);
}

void Layers::adapt_seen(const Tensor& y, const Tensor& seen, const Activations& a, int layer, Input input) const {
  low_rank_->reduce(a.z[input], seen, layer, input);
  low_rank_->expand(y, a.z[input], layer, input);
}

Tensor Layers::norm_attention(int layer, const Activations& a) const {
  const Tensor y = scratch_.normed.row_range(0, a.x.rows);
  device_.rms_norm(y, a.rstd_attention, a.x, model_.layer(layer).attention_norm, model_.shape().norm_eps);
  return y;
}

Tensor Layers::norm_mlp(int layer, const Activations& a) const {
  const Tensor y = scratch_.normed.row_range(0, a.x_mid.rows);
  device_.rms_norm(y, a.rstd_mlp, a.x_mid, model_.layer(layer).mlp_norm, model_.shape().norm_eps);
  return y;
}

Tensor Layers::gated(const Activations& a) const {
  const Tensor h = scratch_.h.row_range(0, a.gate_up.rows);
  device_.swiglu(h, a.gate_up);
  return h;
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
