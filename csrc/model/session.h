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

// All memory of a session, the packed adapter excepted.
struct SessionBuffers {
  SessionBuffers(Arena& arena, const ModelConfig& config, DType act, const LoraLayout* lora, int64_t capacity,
                 int32_t sequences);

  int32_t decode_rows;  // tokens that decode() takes at most
  int64_t pass_rows;    // rows of the largest pass: a longer prompt takes several
  // The arrays of a pass, contiguous in this order, because they are uploaded together.
  int32_t* ids;              // [T]
  int32_t* positions;        // [T]
  int32_t* slots;            // [T]  of the cache
  int32_t* out_index;        // [R]
  int32_t* out_positions;    // [R]
  int32_t* labels;           // [R]  the tokens to score
  float* log_prob;           // [R]
  int32_t* argmax;           // [R]
  std::vector<Tensor> k, v;  // [slots, GD] act, of each layer
  Activations inner, last;   // all layers but the last share one set
  Tensor x_out;              // [R, C] f32
  Scratch scratch;
  LmHeadBuffers head;
  const float* cos_sin;
  // Candidates for sampling, per row of decode(): D of them.
  uint32_t* allowed;      // [D, (V + 31) / 32]
  double* below;          // [D]
  Candidate* candidates;  // [D, VQ_MAX_CANDIDATES + 1]
};

class Session final : private KvSink {
 public:
  Session(const ModelWeights& model, const Adapter* adapter, int64_t capacity, int32_t sequences);

  // Each throws BadArgument, also when the cache is full; then nothing has changed. The logits after the last token, of
  // prefill with `output` and of decode, stay on the device until the next call of these three.
  void prefill(int32_t sequence, const int32_t* ids, int64_t n, bool output);
  void decode(const int32_t* sequences, const int32_t* ids, int32_t n);
  void score(int32_t sequence, const int32_t* ids, int64_t n, float* log_prob, int32_t* argmax);
  void score_each(const int32_t* sequences, const int64_t* counts, int32_t n, const int32_t* ids, float* log_prob,
                  int32_t* argmax);
  // Logits that stayed there: some rows of them; the candidates of the first n rows.
  void read_logits(int32_t first, int32_t count, float* logits);
  void select_candidates(int32_t n, const uint32_t* allowed, const double* below, vq_candidate* out);
  void fork(int32_t from, int32_t to);
  void truncate(int32_t sequence, int64_t length);
  int64_t length(int32_t sequence) const;

 private:
  Views write(int layer, const Tensor& k, const Tensor& v) override;
  void check_sequence(int32_t sequence) const;
  void check_ids(const int32_t* ids, int64_t n) const;
  // Throws if the sequence cannot get that many more tokens or the cache lacks that many free blocks.
  void check_room(int32_t sequence, int64_t tokens, int64_t blocks_of_others) const;

  // A pass consists of tokens appended to sequences. Output is needed for the last out_count tokens of each call.
  void begin_pass();
  void append(int32_t sequence, const int32_t* ids, int64_t n, int64_t out_count);
  ForwardPass upload_pass();
  // All layers and the final norm.
  void run_layers(const ForwardPass& pass);
  void check_logit_rows(int64_t rows) const;
  // Scores the rows of a pass that have a label in labels_, -1 being none, and returns how many these are.
  int64_t score_pass(float* log_prob, int32_t* argmax);

  Device& device_;
  const ModelWeights& model_;
  int64_t capacity_;
  std::unique_ptr<PackedLora> lora_;
  Arena arena_;
  SessionBuffers b_;
  Decoder decoder_;
  LmHead head_;
  KvCache cache_;

  // The pass under construction, on the host.
  AttentionPlanBuilder plan_, out_plan_;
  std::vector<KeyRange> ranges_;
  std::vector<int32_t> ids_, positions_, slots_, out_index_, out_positions_;
  std::vector<int32_t> upload_;
  std::vector<int32_t> labels_, upload_labels_, found_argmax_;  // of score_each
  std::vector<float> found_log_prob_;
  int32_t logit_rows_ = 0;  // that stayed on the device
  // Captured decoding passes by number of rows: all that changes from one to the next is in device memory.
  std::vector<std::unique_ptr<Graph>> decoding_;
};

}  // namespace vq
