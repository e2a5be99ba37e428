#include "model/decoder_forward.h"

namespace vq {

DropoutKey dropout_key(int layer, Input input, const ForwardPass& pass) {
  const Input shared = input == query_in || input == key_value_in ? attention_in : input;
  return {pass.dropout_seed, static_cast<uint64_t>(layer) * input_count + shared, pass.dropout};
}

LayerView Decoder::view(int layer, const Activations& a, const ForwardPass& pass) const {
  const bool last = layer + 1 == model_.config().layers;
  if (!last) return {pass.rows, pass.rows, nullptr, pass.positions, pass.plan, a.slice(pass.rows, pass.rows)};
  return {pass.rows,          pass.out_rows, pass.out_index,
          pass.out_positions, pass.out_plan, a.slice(pass.rows, pass.out_rows)};
}

void Decoder::forward(int layer, const Activations& a, const Tensor& out, const ForwardPass& pass) const {
  run(layer, a, &out, pass);
}

void Decoder::recompute(int layer, const Activations& a, const ForwardPass& pass) const {
  run(layer, a, nullptr, pass);
}

void Decoder::run(int layer, const Activations& all, const Tensor* out, const ForwardPass& pass) const {
  const LayerWeights& w = model_.layer(layer);
  const LayerView v = view(layer, all, pass);
  const Activations& a = v.a;

  const LoraInput n1 = attention_norm(layer, v, pass, InputUse::both);
  project_qkv(layer, n1, v);
  const Qkv qkv = rope(layer, v, pass);
  if (v.out_rows == 0) return;  // only keys and values were needed

  device_.attention(a.o, a.lse, qkv.q, qkv.k, qkv.v, model_.config().attention(), v.plan);
  const Tensor x = residual(v, out);
  project(a.x_attn, attention_output(layer, v, pass), *w.o, &x, layer, attention_out, v);  // x + o W^T

  const LoraInput n2 = mlp_norm(layer, v, pass, InputUse::both);
  project(a.gate_up, n2, *w.gate_up, nullptr, layer, mlp_in, v);
  if (out) {
    const LoraInput h = swiglu(layer, v, pass, InputUse::both);
    project(out->row_range(0, v.out_rows), h, *w.down, &a.x_attn, layer, mlp_out, v);  // x_attn + h W^T
  } else if (adapted(layer, mlp_out)) {
    lora_->down_project(a.z[mlp_out], swiglu(layer, v, pass, InputUse::adapter).adapter, layer, mlp_out);
  }
}

void Decoder::project(const Tensor& y, const LoraInput& x, const Weight& w, const Tensor* add, int layer, Input input,
                      const LayerView& v) const {
  device_.linear(y, x.base, w, add);
  if (!adapted(layer, input)) return;
  lora_->down_project(v.a.z[input], x.adapter, layer, input);
  lora_->up_project(y, v.a.z[input], layer, input);
}

void Decoder::project_qkv(int layer, const LoraInput& n, const LayerView& v) const {
  const LayerWeights& w = model_.layer(layer);
  if (!v.gather) return project(v.a.qkv, n, *w.qkv, nullptr, layer, attention_in, v);
  project(v.a.kv, n, *w.kv, nullptr, layer, key_value_in, v);
  if (v.out_rows > 0) project(v.a.q, query_rows(n, v), *w.query, nullptr, layer, query_in, v);
}

Tensor Decoder::residual(const LayerView& v, const Tensor* out) const {
  if (!v.gather) return v.a.x;
  const Tensor x = out->row_range(0, v.out_rows);
  device_.gather_rows(x, v.a.x, v.gather);
  return x;
}

LoraInput Decoder::query_rows(const LoraInput& n, const LayerView& v) const {
  const auto gathered = [&](const Tensor& x, const Tensor& into) {
    const Tensor y = into.row_range(0, v.out_rows);
    device_.gather_rows(y, x, v.gather);
    return y;
  };
  LoraInput q;
  if (!n.base.empty()) q.base = gathered(n.base, scratch_.normed_out);
  q.adapter = n.adapter.data == n.base.data ? q.base : gathered(n.adapter, scratch_.dropped_out);
  return q;
}

LoraInput Decoder::input_buffers(const Tensor& memory, int64_t rows, int64_t cols, bool dropout, InputUse use) const {
  const Tensor base = memory.row_range(0, rows);
  if (!dropout) return {base, {}};
  return {use == InputUse::both ? base : Tensor{}, scratch_.dropped.row_range(0, rows).columns(0, cols)};
}

LoraInput Decoder::attention_norm(int layer, const LayerView& v, const ForwardPass& pass, InputUse use) const {
  const Activations& a = v.a;
  const bool any = adapted(layer, attention_in) || adapted(layer, query_in) || adapted(layer, key_value_in);
  const LoraInput n = input_buffers(scratch_.normed, a.x.rows, a.x.cols, any && pass.dropout > 0, use);
  device_.rms_norm(n.base, a.rstd_attention, a.x, model_.layer(layer).attention_norm, model_.config().norm_eps,
                   {n.adapter, dropout_key(layer, attention_in, pass)});
  return {n.base, n.adapter.empty() ? n.base : n.adapter};
}

LoraInput Decoder::mlp_norm(int layer, const LayerView& v, const ForwardPass& pass, InputUse use) const {
  const Activations& a = v.a;
  const bool dropout = adapted(layer, mlp_in) && pass.dropout > 0;
  const LoraInput n = input_buffers(scratch_.normed, a.x_attn.rows, a.x_attn.cols, dropout, use);
  device_.rms_norm(n.base, a.rstd_mlp, a.x_attn, model_.layer(layer).mlp_norm, model_.config().norm_eps,
                   {n.adapter, dropout_key(layer, mlp_in, pass)});
  return {n.base, n.adapter.empty() ? n.base : n.adapter};
}

LoraInput Decoder::swiglu(int layer, const LayerView& v, const ForwardPass& pass, InputUse use) const {
  const Activations& a = v.a;
  const bool dropout = adapted(layer, mlp_out) && pass.dropout > 0;
  const LoraInput h = input_buffers(scratch_.h, a.gate_up.rows, a.gate_up.cols / 2, dropout, use);
  device_.swiglu(h.base, a.gate_up, {h.adapter, dropout_key(layer, mlp_out, pass)});
  return {h.base, h.adapter.empty() ? h.base : h.adapter};
}

LoraInput Decoder::attention_output(int layer, const LayerView& v, const ForwardPass& pass) const {
  const Tensor& o = v.a.o;
  if (!adapted(layer, attention_out) || pass.dropout == 0) return {o, o};
  const Tensor dropped = scratch_.dropped.row_range(0, o.rows).columns(0, o.cols);
  device_.dropout(dropped, o, dropout_key(layer, attention_out, pass), false);
  return {o, dropped};
}

Qkv Decoder::rope(int layer, const LayerView& v, const ForwardPass& pass) const {
  const ModelConfig& c = model_.config();
  const LayerWeights& w = model_.layer(layer);
  const Activations& a = v.a;
  const Tensor k = scratch_.k.row_range(0, v.rows);
  device_.head_norm_rope(k, a.rstd_k, a.kv.columns(0, c.kv_size()), w.key_norm, c.head_dim, c.norm_eps, cos_sin_,
                         pass.positions);
  const Tensor values = a.kv.columns(c.kv_size(), c.kv_size());
  const KvSink::Views keys = pass.kv_sink ? pass.kv_sink->write(layer, k, values) : KvSink::Views{k, values};
  const Tensor q = scratch_.q.row_range(0, v.out_rows);
  if (v.out_rows > 0) {
    device_.head_norm_rope(q, a.rstd_q, a.q, w.query_norm, c.head_dim, c.norm_eps, cos_sin_, v.query_positions);
  }
  return {q, keys.k, keys.v};
}

}  // namespace vq
