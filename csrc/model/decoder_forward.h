// The transformer layers of Qwen3, with LoRA: the forward pass. decoder_backward.h has the other.
#pragma once

#include <vector>

#include "model/attention_plan.h"
#include "model/buffers.h"
#include "model/lora.h"
#include "model/weights.h"

namespace vq {

// Where a pass puts its keys and values, and finds those that it attends to.
class KeyValues {
 public:
  virtual ~KeyValues() = default;
  struct Views {
    Tensor k, v;  // [keys, GD]
  };
  virtual Views place(int layer, const Tensor& k, const Tensor& v) = 0;
};

// A pass over T rows, of which R matter after the last layer's keys and values.
struct Pass {
  int64_t rows = 0;                          // T
  int64_t final_rows = 0;                    // R, may be 0: only keys and values are wanted
  const int32_t* positions = nullptr;        // [T] on the device
  const int32_t* final_row = nullptr;        // [R] on the device, ascending
  const int32_t* final_positions = nullptr;  // [R] on the device
  AttentionPlan plan;                        // of T query rows
  AttentionPlan final_plan;                  // of R query rows
  KeyValues* key_values = nullptr;           // null: the rows attend to one another only
  float dropout = 0;
  uint64_t dropout_seed = 0;
};

// q, k and v as attention takes them.
struct Attended {
  Tensor q;     // [T|R, HD]
  Tensor k, v;  // [keys, GD]
};

// An input of projections as the base model sees it, and as the adapter does: the same, or after dropout.
struct Seen {
  Tensor base, adapter;
};
// Which of the two are wanted. What is computed again for the adapter's gradient alone is not written out for the base.
enum class Wanted : uint8_t { both, adapters };

class Layers {
 public:
  // low_rank may be null.
  Layers(const Model& model, const LowRank* low_rank, const Scratch& scratch, const float* cos_sin)
      : device_(model.device()), model_(model), low_rank_(low_rank), scratch_(scratch), cos_sin_(cos_sin) {}

  // From a.x to out: [T, C] f32, of the last layer [R, C]. Where nothing is kept for a backward pass a.x, a.x_mid and
  // out may be the same.
  void forward(int layer, const Activations& a, const Tensor& out, const Pass& pass) const;
  // What forward leaves in a of any layer but the last, without the output.
  void recompute(int layer, const Activations& a, const Pass& pass) const;

  // Parts of the forward pass, which the backward pass computes again rather than keeping their results.
  // In scratch. Only what is wanted is there.
  Seen norm_attention(int layer, const Activations& a, const Pass& pass, Wanted wanted) const;  // [T, C]
  Seen norm_mlp(int layer, const Activations& a, const Pass& pass, Wanted wanted) const;        // [T|R, C]
  Seen gated(int layer, const Activations& a, const Pass& pass, Wanted wanted) const;           // [T|R, F]
  Attended rotated(int layer, const Activations& a, const Pass& pass) const;                    // in scratch and a
  // x as the adapter of this input sees it: x itself, or dropout(x) in scratch.
  Tensor dropped(const Tensor& x, int layer, Input input, const Pass& pass) const;
  // The rows of x that matter, of the last layer's attention input and of what the adapter sees of it.
  Tensor final_rows_of(const Tensor& x, const Tensor& into, const Pass& pass) const;

  const Scratch& scratch() const { return scratch_; }
  const float* cos_sin() const { return cos_sin_; }
  const Model& model() const { return model_; }
  bool last(int layer) const { return layer + 1 == model_.shape().layers; }
  int64_t out_rows(int layer, const Pass& pass) const { return last(layer) ? pass.final_rows : pass.rows; }
  bool adapted(int layer, Input input) const { return low_rank_ && low_rank_->layout().group(layer, input).count > 0; }

 private:
  void project_attention(int layer, const Activations& a, const Pass& pass) const;
  void attention(int layer, const Activations& a, const Attended& at, const Tensor& x, const Pass& pass) const;
  void gate_and_up(int layer, const Activations& a, const Pass& pass) const;
  // y += the adapter's part of the projections of what it sees.
  void adapt(const Tensor& y, const Tensor& seen, const Activations& a, int layer, Input input) const;
  // An input of this shape: where it goes (the base's is empty when it is not wanted), and the mask that makes the
  // adapter's of it.
  Seen place(const Tensor& memory, int64_t rows, int64_t cols, bool masked, Wanted wanted) const;

  Device& device_;
  const Model& model_;
  const LowRank* low_rank_;
  Scratch scratch_;
  const float* cos_sin_;
};

// The mask of an input: q, k and v have one together wherever they are computed.
DropoutKey mask(int layer, Input input, const Pass& pass);

}  // namespace vq
