// The decoder layers of Qwen3 with LoRA: the forward pass. decoder_backward.h has the backward pass.
#pragma once

#include "model/attention_plan.h"
#include "model/buffers.h"
#include "model/lora.h"
#include "model/weights.h"

namespace vq {

// Where a pass writes its keys and values: a key/value cache.
class KvSink {
 public:
  virtual ~KvSink() = default;
  struct Views {
    Tensor k, v;  // [keys, GD]  all keys and values that the pass may attend to
  };
  virtual Views write(int layer, const Tensor& k, const Tensor& v) = 0;
};

// One forward pass over T tokens, of which only R are needed after the last layer.
struct ForwardPass {
  int64_t rows = 0;                        // T
  int64_t out_rows = 0;                    // R; 0 if only keys and values are needed
  const int32_t* positions = nullptr;      // [T] on the device
  const int32_t* out_index = nullptr;      // [R] on the device: the output rows among the T, ascending
  const int32_t* out_positions = nullptr;  // [R] on the device
  AttentionPlan plan;                      // of T query rows
  AttentionPlan out_plan;                  // of R query rows
  KvSink* kv_sink = nullptr;               // null: the rows attend to one another only
  float dropout = 0;
  uint64_t dropout_seed = 0;
};

// The rows of one layer. All layers but the last return as many rows as they take. The last one takes T rows for its
// keys and values and gathers R of them for everything else.
struct LayerView {
  int64_t rows;                    // T: of the input, keys and values
  int64_t out_rows;                // of queries, attention, MLP and output
  const int32_t* gather;           // the output rows among the T; null: all of them
  const int32_t* query_positions;  // [out_rows]
  AttentionPlan plan;              // of out_rows query rows
  Activations a;                   // sliced to these rows
};

// Queries, keys and values as attention takes them.
struct Qkv {
  Tensor q;     // [T|R, HD]
  Tensor k, v;  // [keys, GD]
};

// A projection's input, before and after LoRA dropout. Without dropout both are the same.
struct LoraInput {
  Tensor base, adapter;
};
// Which of the two are needed. The backward pass recomputes inputs for the adapter's gradients alone.
enum class InputUse : uint8_t { both, adapter };

class Decoder {
 public:
  // lora may be null.
  Decoder(const ModelWeights& model, const Lora* lora, const Scratch& scratch, const float* cos_sin)
      : device_(model.device()), model_(model), lora_(lora), scratch_(scratch), cos_sin_(cos_sin) {}

  // From a.x to out: [T, C] f32, [R, C] in the last layer. a.x, a.x_attn and out may be the same where nothing is kept
  // for a backward pass.
  void forward(int layer, const Activations& a, const Tensor& out, const ForwardPass& pass) const;
  // Restores what forward leaves in a, without the output. For any layer but the last.
  void recompute(int layer, const Activations& a, const ForwardPass& pass) const;

  LayerView view(int layer, const Activations& a, const ForwardPass& pass) const;

  // Steps of the forward pass whose results are not kept: the backward pass runs them again. Results are in scratch;
  // those that are not needed are empty.
  LoraInput attention_norm(int layer, const LayerView& v, const ForwardPass& pass, InputUse use) const;  // [T, C]
  Qkv rope(int layer, const LayerView& v, const ForwardPass& pass) const;
  LoraInput attention_output(int layer, const LayerView& v, const ForwardPass& pass) const;        // [T|R, HD]
  LoraInput mlp_norm(int layer, const LayerView& v, const ForwardPass& pass, InputUse use) const;  // [T|R, C]
  LoraInput swiglu(int layer, const LayerView& v, const ForwardPass& pass, InputUse use) const;    // [T|R, F]
  // The last layer's input of queries, from that of keys and values.
  LoraInput query_rows(const LoraInput& n, const LayerView& v) const;  // [R, C]

  const float* cos_sin() const { return cos_sin_; }
  const ModelWeights& model() const { return model_; }
  bool adapted(int layer, Input input) const { return lora_ && lora_->layout().group(layer, input).count > 0; }

 private:
  // out null: a recomputation.
  void run(int layer, const Activations& a, const Tensor* out, const ForwardPass& pass) const;
  // y = x W^T (+ add) + the adapter's part. y may be add.
  void project(const Tensor& y, const LoraInput& x, const Weight& w, const Tensor* add, int layer, Input input,
               const LayerView& v) const;
  void project_qkv(int layer, const LoraInput& n, const LayerView& v) const;
  // x of the output rows; gathered ones are in out, which is free until the layer's last step.
  Tensor residual(const LayerView& v, const Tensor* out) const;
  // Where an input [rows, cols] goes: the base's into `memory`; the adapter's, if dropout makes it another, into
  // scratch, and is else empty.
  LoraInput input_buffers(const Tensor& memory, int64_t rows, int64_t cols, bool dropout, InputUse use) const;

  Device& device_;
  const ModelWeights& model_;
  const Lora* lora_;
  Scratch scratch_;
  const float* cos_sin_;
};

// The dropout mask of an input. q, k and v share one wherever they are computed.
DropoutKey dropout_key(int layer, Input input, const ForwardPass& pass);

}  // namespace vq
