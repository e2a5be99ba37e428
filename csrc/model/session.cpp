#include "model/session.h"

#include <algorithm>
#include <cstddef>
#include <string>

namespace vq {

namespace {
constexpr int64_t kPassRows = 512;   // enough for GEMMs at full speed, and little memory
constexpr int64_t kScoreRows = 128;  // output rows of a pass
constexpr int64_t kCandidateRow = VQ_MAX_CANDIDATES + 1;
static_assert(sizeof(vq_candidate) == sizeof(Candidate) && offsetof(vq_candidate, logit) == offsetof(Candidate, logit));

int64_t mask_words(const ModelConfig& c) { return (c.vocab + 31) / 32; }
}  // namespace

SessionBuffers::SessionBuffers(Arena& m, const ModelConfig& c, DType act, const LoraLayout* lora, int64_t capacity,
                               int32_t sequences)
    : decode_rows(std::max<int32_t>(sequences, VQ_DECODE_ROWS)),
      pass_rows(std::max<int64_t>(std::min(capacity, kPassRows), decode_rows)) {
  const Purpose work = Purpose::workspace;
  const int64_t out_rows = std::max<int64_t>(std::min(pass_rows, kScoreRows), decode_rows);
  const PassLimits pass{pass_rows, out_rows, capacity};
  ids = m.array<int32_t>(work, 3 * pass.rows + 2 * out_rows);
  positions = ids ? ids + pass.rows : nullptr;
  slots = ids ? positions + pass.rows : nullptr;
  out_index = ids ? slots + pass.rows : nullptr;
  out_positions = ids ? out_index + out_rows : nullptr;
  labels = m.array<int32_t>(work, out_rows);
  log_prob = m.array<float>(work, out_rows);
  argmax = m.array<int32_t>(work, out_rows);
  const int64_t slots = KvCache::slots(capacity, sequences);
  for (int l = 0; l < c.layers; l++) {
    k.push_back(m.matrix(Purpose::activations, act, slots, c.kv_size()));
    v.push_back(m.matrix(Purpose::activations, act, slots, c.kv_size()));
  }
  inner = allocate_activations(m, work, c, act, lora, 0, pass);
  last = c.layers > 1 ? allocate_activations(m, work, c, act, lora, c.layers - 1, pass) : inner;
  x_out = m.matrix(work, DType::f32, out_rows, c.hidden);
  scratch = allocate_scratch(m, c, act, false, pass);
  head = allocate_lm_head(m, c, act, out_rows, decode_rows, false, false);
  cos_sin = allocate_rope_table(m, c, pass.positions);
  allowed = m.array<uint32_t>(work, decode_rows * mask_words(c));
  below = m.array<double>(work, decode_rows);
  candidates = m.array<Candidate>(work, decode_rows * kCandidateRow);
  m.reserve_workspace(pass.rows, c.widest_output(), c.widest_input(), c.attention());
  m.reserve_cast_workspace(pass.rows, std::max(c.widest_output(), c.widest_input()), c.format);
}

Session::Session(const ModelWeights& model, const Adapter* adapter, int64_t capacity, int32_t sequences)
    : device_(model.device()),
      model_(model),
      capacity_(capacity),
      lora_(adapter ? std::make_unique<PackedLora>(device_, *adapter, model.compute()) : nullptr),
      arena_(device_),
      b_(arena_, model.config(), model.compute(), adapter ? &adapter->layout() : nullptr, capacity, sequences),
      decoder_(model, lora_.get(), b_.scratch, b_.cos_sin),
      head_(model, b_.head),
      cache_(capacity, sequences),
      upload_(3 * b_.pass_rows + 2 * b_.x_out.rows),
      decoding_(b_.decode_rows) {}

void Session::check_sequence(int32_t sequence) const {
  if (sequence < 0 || sequence >= cache_.sequences()) {
    throw BadArgument("the session has no sequence " + std::to_string(sequence));
  }
}

void Session::check_ids(const int32_t* ids, int64_t n) const {
  for (int64_t i = 0; i < n; i++) {
    if (ids[i] < 0 || ids[i] >= model_.config().vocab) {
      throw BadArgument("the vocabulary has no id " + std::to_string(ids[i]));
    }
  }
}

void Session::check_room(int32_t sequence, int64_t tokens, int64_t blocks_of_others) const {
  require(tokens >= 1, "there are no tokens to append");
  if (tokens > capacity_ - cache_.length(sequence) ||
      blocks_of_others + cache_.blocks_for(sequence, tokens) > cache_.free_blocks()) {
    throw BadArgument("the cache of " + std::to_string(capacity_) + " tokens is full");
  }
}

void Session::begin_pass() {
  plan_.clear();
  out_plan_.clear();
  slots_.clear();
  ids_.clear();
  positions_.clear();
  out_index_.clear();
  out_positions_.clear();
}

// Adds n tokens of a sequence to the pass; output is needed for the last out_count.
void Session::append(int32_t sequence, const int32_t* ids, int64_t n, int64_t out_count) {
  const int64_t first = cache_.length(sequence);
  for (int64_t i = 0; i < n; i++) slots_.push_back(cache_.append(sequence));
  // Row by row along the ranges of the whole sequence: a segment for each range with new tokens.
  cache_.ranges(sequence, ranges_);
  int64_t range_begin = 0;
  for (size_t r = 0; r < ranges_.size(); r++) {
    const int64_t range_end = range_begin + ranges_[r].count;
    const std::span<const KeyRange> visible_ranges(ranges_.data(), r + 1);
    bool begun = false, out_begun = false;
    for (int64_t p = std::max(range_begin, first); p < range_end; p++) {
      const int32_t visible = static_cast<int32_t>(p - range_begin + 1), position = static_cast<int32_t>(p);
      if (!begun) plan_.begin_segment(visible_ranges);
      begun = true;
      plan_.add_row(visible);
      positions_.push_back(position);
      if (p < first + n - out_count) continue;
      if (!out_begun) out_plan_.begin_segment(visible_ranges);
      out_begun = true;
      out_plan_.add_row(visible);
      out_positions_.push_back(position);
      out_index_.push_back(static_cast<int32_t>(positions_.size()) - 1);
    }
    range_begin = range_end;
  }
  ids_.insert(ids_.end(), ids, ids + n);
}

ForwardPass Session::upload_pass() {
  const auto put = [&](const int32_t* to, const std::vector<int32_t>& from) {
    std::copy(from.begin(), from.end(), upload_.begin() + (to - b_.ids));
  };
  put(b_.ids, ids_);
  put(b_.positions, positions_);
  put(b_.slots, slots_);
  put(b_.out_index, out_index_);
  put(b_.out_positions, out_positions_);
  device_.upload(b_.ids, upload_.data(), upload_.size() * sizeof(int32_t));
  ForwardPass pass;
  pass.rows = static_cast<int64_t>(ids_.size());
  pass.out_rows = static_cast<int64_t>(out_index_.size());
  pass.positions = b_.positions;
  pass.out_index = b_.out_index;
  pass.out_positions = b_.out_positions;
  pass.plan = plan_.plan();
  pass.out_plan = out_plan_.plan();
  pass.kv_sink = this;
  return pass;
}

void Session::run_layers(const ForwardPass& pass) {
  const int count = model_.config().layers;
  device_.embed((count > 1 ? b_.inner : b_.last).x.row_range(0, pass.rows), model_.embedding(), b_.ids);
  for (int l = 0; l < count; l++) {
    const bool last = l + 1 == count;
    const Tensor& out = last ? b_.x_out : l + 2 == count ? b_.last.x : b_.inner.x;
    decoder_.forward(l, last ? b_.last : b_.inner, out, pass);
  }
  if (pass.out_rows > 0) head_.norm(b_.x_out.row_range(0, pass.out_rows));
}

KvSink::Views Session::write(int layer, const Tensor& k, const Tensor& v) {
  device_.scatter_rows(b_.k[layer], k, b_.slots);
  device_.scatter_rows(b_.v[layer], v, b_.slots);
  return {b_.k[layer], b_.v[layer]};
}

void Session::check_logit_rows(int64_t rows) const {
  if (rows < 1 || rows > logit_rows_) {
    throw BadArgument("there are " + std::to_string(logit_rows_) + " rows of logits, not " + std::to_string(rows));
  }
}

void Session::read_logits(int32_t first, int32_t count, float* logits) {
  if (first < 0 || count < 1) throw BadArgument("no rows of logits were requested");
  check_logit_rows(int64_t{first} + count);
  device_.download(logits, b_.head.logits.row_range(first, 1).data, count * model_.config().vocab * sizeof(float));
}

void Session::select_candidates(int32_t n, const uint32_t* allowed, const double* below, vq_candidate* out) {
  check_logit_rows(n);
  if (allowed) device_.upload(b_.allowed, allowed, n * mask_words(model_.config()) * sizeof(uint32_t));
  device_.upload(b_.below, below, n * sizeof(double));
  device_.select_candidates(b_.candidates, VQ_MAX_CANDIDATES, b_.head.logits.row_range(0, n),
                            allowed ? b_.allowed : nullptr, b_.below);
  device_.download(out, b_.candidates, n * kCandidateRow * sizeof(Candidate));
}

void Session::prefill(int32_t sequence, const int32_t* ids, int64_t n, bool output) {
  check_sequence(sequence);
  check_room(sequence, n, 0);
  check_ids(ids, n);
  logit_rows_ = 0;
  for (int64_t done = 0; done < n;) {
    const int64_t count = std::min(n - done, b_.pass_rows);
    const bool end = done + count == n;
    begin_pass();
    append(sequence, ids + done, count, end && output ? 1 : 0);
    run_layers(upload_pass());
    if (end && output) {
      head_.logits(0, 1);
      logit_rows_ = 1;
    }
    done += count;
  }
  device_.synchronize();
}

void Session::decode(const int32_t* sequences, const int32_t* ids, int32_t n) {
  if (n < 1 || n > b_.decode_rows) {
    throw BadArgument(std::to_string(n) + " tokens cannot be decoded at once");
  }
  check_ids(ids, n);
  int64_t blocks = 0;
  for (int32_t i = 0; i < n; i++) {
    check_sequence(sequences[i]);
    if (std::find(sequences, sequences + i, sequences[i]) != sequences + i) continue;
    const int64_t tokens = std::count(sequences + i, sequences + n, sequences[i]);
    check_room(sequences[i], tokens, blocks);
    blocks += cache_.blocks_for(sequences[i], tokens);
  }
  logit_rows_ = 0;
  begin_pass();
  // Each row is a segment of its own, also where a sequence has several: it computes what it would alone.
  for (int32_t i = 0; i < n; i++) append(sequences[i], ids + i, 1, 1);
  const ForwardPass pass = upload_pass();
  std::unique_ptr<Graph>& graph = decoding_[n - 1];
  if (!graph) graph.reset(device_.make_graph());
  device_.replay(*graph, pass.plan, [&] {
    run_layers(pass);
    head_.logits(0, n);
  });
  logit_rows_ = n;
}

void Session::score(int32_t sequence, const int32_t* ids, int64_t n, float* log_prob, int32_t* argmax) {
  check_sequence(sequence);
  check_room(sequence, n, 0);
  check_ids(ids, n);
  const int64_t most = b_.x_out.rows;
  logit_rows_ = 0;
  for (int64_t done = 0; done < n;) {
    const int64_t count = std::min(n - done, most);
    const int64_t scored = std::min(count, n - 1 - done);  // nothing follows the last token
    begin_pass();
    append(sequence, ids + done, count, count);
    run_layers(upload_pass());
    for (int64_t begin = 0; begin < scored; begin += head_.chunk()) {
      const int64_t rows = std::min(head_.chunk(), scored - begin);
      device_.upload(b_.labels, ids + done + begin + 1, rows * sizeof(int32_t));
      device_.score_rows(b_.log_prob, b_.argmax, head_.logits(begin, rows), b_.labels);
      device_.download(log_prob + done + begin, b_.log_prob, rows * sizeof(float));
      device_.download(argmax + done + begin, b_.argmax, rows * sizeof(int32_t));
    }
    done += count;
  }
}

void Session::score_each(const int32_t* sequences, const int64_t* counts, int32_t n, const int32_t* ids,
                         float* log_prob, int32_t* argmax) {
  if (n < 1 || n > cache_.sequences()) {
    throw BadArgument(std::to_string(n) + " sequences cannot be scored at once");
  }
  int64_t blocks = 0, total = 0;
  for (int32_t i = 0; i < n; i++) {
    check_sequence(sequences[i]);
    if (std::find(sequences, sequences + i, sequences[i]) != sequences + i) {
      throw BadArgument("sequence " + std::to_string(sequences[i]) + " is listed twice");
    }
    check_room(sequences[i], counts[i], blocks);
    blocks += cache_.blocks_for(sequences[i], counts[i]);
    total += counts[i];
  }
  check_ids(ids, total);
  logit_rows_ = 0;
  const int64_t most = b_.x_out.rows;
  int32_t i = 0;
  int64_t done = 0;  // tokens of sequence i
  while (i < n) {
    begin_pass();
    labels_.clear();
    while (i < n && static_cast<int64_t>(labels_.size()) < most) {
      const int64_t count = std::min(counts[i] - done, most - static_cast<int64_t>(labels_.size()));
      append(sequences[i], ids, count, count);
      for (int64_t t = 1; t <= count; t++) labels_.push_back(done + t < counts[i] ? ids[t] : -1);
      ids += count;
      done += count;
      if (done < counts[i]) break;
      i++;
      done = 0;
    }
    run_layers(upload_pass());
    const int64_t scored = score_pass(log_prob, argmax);
    log_prob += scored;
    argmax += scored;
  }
}

int64_t Session::score_pass(float* log_prob, int32_t* argmax) {
  const int64_t rows = static_cast<int64_t>(labels_.size());
  found_log_prob_.resize(rows);
  found_argmax_.resize(rows);
  int64_t scored = 0;
  for (int64_t begin = 0; begin < rows; begin += head_.chunk()) {
    const int64_t count = std::min(head_.chunk(), rows - begin);
    upload_labels_.assign(labels_.begin() + begin, labels_.begin() + begin + count);
    std::replace(upload_labels_.begin(), upload_labels_.end(), -1, 0);
    device_.upload(b_.labels, upload_labels_.data(), count * sizeof(int32_t));
    device_.score_rows(b_.log_prob, b_.argmax, head_.logits(begin, count), b_.labels);
    device_.download(found_log_prob_.data(), b_.log_prob, count * sizeof(float));
    device_.download(found_argmax_.data(), b_.argmax, count * sizeof(int32_t));
    for (int64_t r = 0; r < count; r++) {
      if (labels_[begin + r] < 0) continue;
      log_prob[scored] = found_log_prob_[r];
      argmax[scored] = found_argmax_[r];
      scored++;
    }
  }
  return scored;
}

void Session::fork(int32_t from, int32_t to) {
  check_sequence(from);
  check_sequence(to);
  if (from == to || cache_.length(to) > 0) {
    throw BadArgument("sequence " + std::to_string(to) + " is not empty");
  }
  cache_.fork(from, to);
}

void Session::truncate(int32_t sequence, int64_t length) {
  check_sequence(sequence);
  if (length < 0 || length > cache_.length(sequence)) {
    throw BadArgument("a sequence of " + std::to_string(cache_.length(sequence)) + " tokens cannot be shortened to " +
                      std::to_string(length));
  }
  cache_.truncate(sequence, length);
}

int64_t Session::length(int32_t sequence) const {
  return sequence < 0 || sequence >= cache_.sequences() ? 0 : cache_.length(sequence);
}

}  // namespace vq
