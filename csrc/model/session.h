// Inference: sequences of tokens over one key/value cache.
#pragma once

#include <vq.h>

#include <memory>
#include <vector>

#include "model/attention_plan.h"
#include "model/buffers.h"
#include "model/decoder_forward.h"
#include "model/kv_cache.h"
#include "model/lm_head.h"
#include "model/lora.h"

namespace vq {

// All memory that a session takes, beside the prepared adapter.
struct SessionBuffers {
  SessionBuffers(Memory& memory, Device& device, const Shape& shape, DType act, const AdapterLayout* adapter,
                 int64_t capacity, int32_t sequences);

  int64_t pass_rows;  // rows of the largest pass: a longer prompt takes several
  // Of the pass, one behind the other in this order: they are uploaded together.
  int32_t* ids;              // [T]
  int32_t* positions;        // [T]
  int32_t* slots;            // [T]  of the cache
  int32_t* final_row;        // [R]
  int32_t* final_positions;  // [R]
  int32_t* labels;           // [R]  what is scored
  float* log_prob;           // [R]
  int32_t* argmax;           // [R]
  std::vector<Tensor> k, v;  // [slots, GD] act, of each layer
  Activations inner, last;   // of all layers but the last, and of it
  Tensor x_out;              // [R, C] f32
  Scratch scratch;
  HeadBuffers head;
  const float* cos_sin;
  // Of each sequence: what may be drawn, and what that comes to.
  uint32_t* allowed;  // [S, (V + 31) / 32]
  double* below;      // [S]
  Candidate* chosen;  // [S, VQ_MOST_CHOSEN + 1]
};

class Session final : private KeyValues {
 public:
  Session(const Model& model, const Adapter* adapter, int64_t capacity, int32_t sequences);

  // Each throws BadArgument, and Error when the cache is full; then nothing has changed. What follows the last token,
  // of prefill with `output` and of decode, is kept until the next call of these three.
  void prefill(int32_t sequence, const int32_t* ids, int64_t n, bool output);
  void decode(const int32_t* sequences, const int32_t* ids, int32_t n);
  void score(int32_t sequence, const int32_t* ids, int64_t n, float* log_prob, int32_t* argmax);
  // Of what is kept: the logits of some rows; what may be drawn from the first n.
  void read_logits(int32_t first, int32_t count, float* logits);
  void choose(int32_t n, const uint32_t* allowed, const double* below, vq_candidate* out);
  void fork(int32_t from, int32_t to);
  void truncate(int32_t sequence, int64_t length);
  int64_t length(int32_t sequence) const;

 private:
  Views place(int layer, const Tensor& k, const Tensor& v) override;
  void check_sequence(int32_t sequence) const;
  void check_ids(const int32_t* ids, int64_t n) const;
  // Whether the sequence may get that many tokens and the cache has that many free blocks.
  void check_room(int32_t sequence, int64_t tokens, int64_t blocks) const;

  // A pass is made of tokens appended to sequences; `final` tokens are those whose output is wanted.
  void begin_pass();
  void append(int32_t sequence, const int32_t* ids, int64_t n, int64_t final_count);
  // Uploads the pass and says what it is.
  Pass place_pass();
  // Its layers and final norm.
  void run_layers(const Pass& pass);
  void check_kept(int64_t rows) const;

  Device& device_;
  const Model& model_;
  int64_t capacity_;
  std::unique_ptr<PreparedLowRank> low_rank_;
  Memory memory_;
  SessionBuffers b_;
  Layers layers_;
  Head head_;
  TokenCache cache_;

  // The pass under construction, on the host.
  RowPlan plan_, final_plan_;
  std::vector<KeyRange> ranges_;
  std::vector<int32_t> ids_, positions_, slots_, final_rows_, final_positions_;
  std::vector<int32_t> upload_;
  int32_t kept_ = 0;  // rows of the head's logits
  // Of decoding passes, by the number of their sequences: all that changes from one to the next is in memory.
  std::vector<std::unique_ptr<Graph>> decoding_;
};

}  // namespace vq
