#include "model/trainer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <string>

namespace vq {

namespace {

void want(bool ok, const std::string& complaint) {
  if (!ok) throw BadArgument(complaint);
}

}  // namespace

void check(const vq_train_limits& l) {
  constexpr int64_t kMost = 1 << 24;
  want(l.max_tokens >= 1 && l.max_tokens <= kMost, "the largest number of tokens of a batch is out of range");
  want(l.max_windows >= 1 && l.max_windows <= l.max_tokens, "the largest number of windows of a batch is out of range");
  want(l.max_targets >= 1 && l.max_targets <= l.max_tokens, "the largest number of targets of a batch is out of range");
  want(l.recompute_layers >= 0, "the number of layers to compute again is negative");
}

BatchRows::BatchRows(int32_t* memory, const vq_train_limits& limits) {
  if (!memory) return;  // of a plan
  ids = memory;
  positions = ids + limits.max_tokens;
  target_row = positions + limits.max_tokens;
  target_position = target_row + limits.max_targets;
  target_id = target_position + limits.max_targets;
  target_weight = reinterpret_cast<float*>(target_id + limits.max_targets);
}

TrainerBuffers::TrainerBuffers(Memory& m, Device& device, const Shape& s, DType act, const AdapterLayout* adapter,
                               const vq_train_limits& limits, bool for_training)
    : layers(s.layers) {
  const Purpose work = Purpose::workspace, kept = for_training ? Purpose::activations : Purpose::workspace;
  const PassLimits pass{limits.max_tokens, limits.max_targets, limits.max_tokens};
  for (size_t slot = 0; slot < filled.size(); slot++) {
    filled[slot] = BatchRows(m.host_array<int32_t>(work, BatchRows::words(limits)), limits);
    sent[slot] = BatchRows(m.array<int32_t>(work, BatchRows::words(limits)), limits);
    window_begin[slot] = m.host_array<int32_t>(work, limits.max_windows + 1);
  }
  ones = m.array<float>(work, pass.final_rows);
  loss = m.array<float>(work, pass.final_rows);

  // The last layer's shapes are its own. The layers whose activations are computed again share one set of buffers;
  // without training all do, and their residual stream is one buffer too.
  for (int l = 0; l < s.layers; l++) {
    const bool last = l + 1 == s.layers, shares = !for_training || l < limits.recompute_layers;
    if (l == 0 || last || !shares) {
      layers[l] = take_activations(m, kept, s, act, adapter, l, pass);
    } else {
      const Tensor x = for_training ? m.matrix(kept, DType::f32, pass.rows, s.hidden) : layers[0].x;
      layers[l] = layers[0];
      layers[l].x = x;
    }
  }
  x_out = m.matrix(kept, DType::f32, pass.final_rows, s.hidden);
  const bool dropout = for_training && adapter && adapter->config().dropout > 0;
  scratch = take_scratch(m, s, act, dropout, pass);
  const bool rounded = needs_rounding(device, act);
  head = take_head(m, s, act, pass.final_rows, 1, for_training, rounded);
  cos_sin = take_rotations(m, device, s, pass.positions);
  m.reserve_workspace(pass.rows, s.widest_output(), s.widest_input(), s.attention());
  m.reserve_cast_workspace(pass.rows, std::max(s.widest_output(), s.widest_input()), s.format);
  if (adapter && rounded) adapter_rounded = m.array<uint16_t>(work, LiveLowRank::rounded_floats(*adapter));
  if (!for_training) return;

  gradients = take_gradients(m, s, act, *adapter, rounded, pass);
  adapter_gradient = m.array<float>(Purpose::gradients, adapter->floats());
  const auto moments = [&] {
    return limits.offload_optimizer ? m.host_array<float>(Purpose::optimizer, adapter->floats())
                                    : m.array<float>(Purpose::optimizer, adapter->floats());
  };
  moment1 = moments();
  moment2 = moments();
  step = m.array<GradNormState>(work, 1);
  step_seen = m.host_array<GradNormState>(work, 1);
  // Products over all rows, for the adapter's gradients.
  m.reserve_workspace(s.widest_output(), s.widest_input(), pass.rows, s.attention());
}

Trainer::Trainer(const Model& model, Adapter* adapter, const vq_train_limits& limits, bool for_training)
    : device_(model.device()),
      model_(model),
      adapter_(adapter),
      limits_(limits),
      for_training_(for_training),
      memory_(model.device(), Memory::Mode::take),
      b_(memory_, device_, model.shape(), model.compute(), adapter ? &adapter->layout() : nullptr, limits,
         for_training),
      low_rank_(adapter ? std::make_unique<LiveLowRank>(device_, *adapter, model.compute(), b_.adapter_rounded)
                        : nullptr),
      layers_(model, low_rank_.get(), b_.scratch, b_.cos_sin),
      head_(model, b_.head) {
  if (for_training) {
    backward_ = std::make_unique<Backward>(layers_, *low_rank_, b_.gradients, b_.adapter_gradient);
  }
  for (std::unique_ptr<Event>& mark : done_) {
    mark.reset(device_.make_event());
    device_.record(*mark);  // the buffers have been cleared
  }
  updated_.reset(device_.make_event());
  plan_.reserve(limits.max_windows, limits.max_windows, limits.max_tokens);
  final_plan_.reserve(limits.max_windows, limits.max_windows, limits.max_targets);
  const std::vector<float> ones(limits.max_targets, 1.0f);
  device_.upload(b_.ones, ones.data(), ones.size() * sizeof(float));
}

vq_batch Trainer::batch(int slot) const {
  const BatchRows& b = b_.filled[slot];
  return {b.ids, b_.window_begin[slot], b.target_row, b.target_id, b.target_weight};
}

void Trainer::check_batch(int slot, int32_t windows, int32_t targets) const {
  const vq_batch batch = this->batch(slot);
  const int64_t vocab = model_.shape().vocab;
  const auto say = [](const char* what, int64_t i) { return std::string(what) + " " + std::to_string(i); };
  want(windows >= 1 && windows <= limits_.max_windows, "a batch cannot have " + std::to_string(windows) + " windows");
  want(targets >= 1 && targets <= limits_.max_targets, "a batch cannot have " + std::to_string(targets) + " targets");
  want(batch.window_begin[0] == 0, "the first window must begin at row 0");
  for (int32_t w = 0; w < windows; w++) {
    want(batch.window_begin[w] < batch.window_begin[w + 1], say("no row is in window", w));
  }
  const int32_t rows = batch.window_begin[windows];
  want(rows <= limits_.max_tokens, "a batch cannot have " + std::to_string(rows) + " rows");
  for (int32_t i = 0; i < rows; i++) {
    want(batch.ids[i] >= 0 && batch.ids[i] < vocab, say("the vocabulary has no id", batch.ids[i]));
  }
  for (int32_t i = 0; i < targets; i++) {
    want(batch.target_row[i] > (i ? batch.target_row[i - 1] : -1), say("the target rows do not ascend at target", i));
    want(batch.target_row[i] < rows, say("the batch has no row of target", i));
    want(batch.target_id[i] >= 0 && batch.target_id[i] < vocab, say("the vocabulary has no id", batch.target_id[i]));
  }
}

Pass Trainer::prepare(int slot, int32_t windows, int32_t targets) {
  const BatchRows &batch = b_.filled[slot], &sent = b_.sent[slot];
  const int32_t* window_begin = b_.window_begin[slot];
  wait(slot);  // what is filled in here has been sent
  plan_.clear();
  final_plan_.clear();
  int32_t target = 0;
  for (int32_t w = 0; w < windows; w++) {
    const int32_t begin = window_begin[w], end = window_begin[w + 1];
    const KeyRange keys{begin, end - begin};
    plan_.begin_segment({&keys, 1});
    for (int32_t row = begin; row < end; row++) {
      plan_.add_row(row - begin + 1);
      batch.positions[row] = row - begin;
    }
    for (bool first = true; target < targets && batch.target_row[target] < end; target++, first = false) {
      if (first) final_plan_.begin_segment({&keys, 1});
      final_plan_.add_row(batch.target_row[target] - begin + 1);
      batch.target_position[target] = batch.target_row[target] - begin;
    }
  }
  // The slot's last batch was the last to read what it was sent as.
  device_.copy_to_device_async(sent.ids, batch.ids, BatchRows::words(limits_) * sizeof(int32_t), *done_[slot]);

  Pass pass;
  pass.rows = window_begin[windows];
  pass.final_rows = targets;
  pass.positions = sent.positions;
  pass.final_row = sent.target_row;
  pass.final_positions = sent.target_position;
  pass.plan = plan_.plan();
  pass.final_plan = final_plan_.plan();
  return pass;
}

void Trainer::forward(const Pass& pass, const int32_t* ids) {
  const int count = model_.shape().layers;
  device_.embed(b_.layers[0].x.row_range(0, pass.rows), model_.embedding(), ids);
  for (int l = 0; l < count; l++) {
    layers_.forward(l, b_.layers[l], l + 1 < count ? b_.layers[l + 1].x : b_.x_out, pass);
  }
}

// Losses into b_.loss; with gradient also that of the last layer's output into dx_final.
void Trainer::losses(const BatchRows& batch, int32_t targets, const float* weights, bool gradient) {
  const Tensor x = b_.x_out.row_range(0, targets);
  head_.norm(x);
  for (int64_t begin = 0; begin < targets; begin += head_.chunk()) {
    const int64_t count = std::min<int64_t>(head_.chunk(), targets - begin);
    const Tensor logits = head_.logits(begin, count);
    device_.cross_entropy(b_.loss + begin, logits, batch.target_id + begin, weights + begin, gradient);
    if (gradient) head_.backward(b_.gradients.dx_final, x, logits, begin);
  }
}

void Trainer::backward(const Pass& pass) {
  const int count = model_.shape().layers;
  for (int l = count - 1; l >= 0; l--) {
    // The shared buffers still hold the last layer that went through them.
    if (l + 1 < std::min(limits_.recompute_layers, count - 1)) layers_.recompute(l, b_.layers[l], pass);
    backward_->run(l, b_.layers[l], pass);
  }
}

void Trainer::accumulate(int slot, int32_t windows, int32_t targets, uint64_t dropout_seed) {
  const BatchRows& sent = b_.sent[slot];
  Pass pass = prepare(slot, windows, targets);
  pass.dropout = adapter_->layout().config().dropout;
  pass.dropout_seed = dropout_seed;
  forward(pass, sent.ids);
  losses(sent, targets, sent.target_weight, true);
  backward(pass);
  device_.accumulate_sum(&b_.step->loss, b_.loss, targets);
  device_.record(*done_[slot]);
}

void Trainer::tune_gemms() {
  if (device_.info().gemm_library.empty()) return;
  // What counts is chosen for all numbers of tokens up to a power of two.
  constexpr int32_t kShortest = 64;
  device_.tune_gemms(true);
  try {
    const auto most = static_cast<int32_t>(limits_.max_tokens);
    for (int32_t rows = most; rows >= kShortest || rows == most;) {
      const int32_t targets = fill_with_some(rows);
      accumulate(0, 1, targets, 1);
      rows = static_cast<int32_t>(std::bit_floor(static_cast<uint32_t>(rows - 1)));
    }
  } catch (...) {
    device_.tune_gemms(false);
    forget();
    throw;
  }
  device_.tune_gemms(false);
  forget();
}

// One window of so many tokens, with loss on the last; returns on how many.
int32_t Trainer::fill_with_some(int32_t rows) {
  const vq_batch batch = this->batch(0);
  wait(0);  // it is sent from where it is filled
  const auto targets = static_cast<int32_t>(std::min<int64_t>(rows, limits_.max_targets));
  batch.window_begin[0] = 0;
  batch.window_begin[1] = rows;
  for (int32_t i = 0; i < rows; i++) batch.ids[i] = static_cast<int32_t>(i % model_.shape().vocab);
  for (int32_t i = 0; i < targets; i++) {
    batch.target_row[i] = rows - targets + i;
    batch.target_id[i] = static_cast<int32_t>(i % model_.shape().vocab);
    batch.target_weight[i] = 1;
  }
  return targets;
}

void Trainer::evaluate(int slot, int32_t windows, int32_t targets, float* loss) {
  const Pass pass = prepare(slot, windows, targets);
  forward(pass, b_.sent[slot].ids);
  losses(b_.sent[slot], targets, b_.ones, false);
  device_.record(*done_[slot]);
  device_.download(loss, b_.loss, targets * sizeof(float));
}

void Trainer::begin_update(const vq_update& how) {
  const int64_t n = adapter_->layout().floats();
  device_.accumulate_sum_of_squares(&b_.step->squares, b_.adapter_gradient, n);
  device_.finish_grad_norm(b_.step, how.normalizer, how.max_grad_norm);
  device_.adamw(adapter_->parameters(), b_.moment1, b_.moment2, b_.adapter_gradient, n,
                {how.learning_rate, how.beta1, how.beta2, how.epsilon, how.weight_decay, how.step}, b_.step);
  adapter_->changed();
  device_.copy_to_host_async(b_.step_seen, b_.step, sizeof(GradNormState));
  device_.record(*updated_);
  forget();
}

bool Trainer::end_update(const vq_update& how, vq_update_result& result) const {
  device_.wait(*updated_);
  result.loss_sum = b_.step_seen->loss;
  result.grad_norm = std::sqrt(b_.step_seen->squares) / how.normalizer;
  return !b_.step_seen->not_finite;
}

void Trainer::forget() {
  const int64_t n = adapter_->layout().floats();
  device_.zero({b_.adapter_gradient, DType::f32, 1, n, n});
  constexpr int64_t kSums = offsetof(GradNormState, gradient_scale) / sizeof(float);
  device_.zero({b_.step, DType::f32, 1, kSums, kSums});
}

void Trainer::read_moments(int layer, unsigned target, float* a_m, float* a_v, float* b_m, float* b_v) const {
  const AdapterLayout::Pair p = adapter_->layout().pair(layer, target);
  device_.download(a_m, b_.moment1 + p.a_offset, p.a_floats * sizeof(float));
  device_.download(a_v, b_.moment2 + p.a_offset, p.a_floats * sizeof(float));
  device_.download(b_m, b_.moment1 + p.b_offset, p.b_floats * sizeof(float));
  device_.download(b_v, b_.moment2 + p.b_offset, p.b_floats * sizeof(float));
}

void Trainer::write_moments(int layer, unsigned target, const float* a_m, const float* a_v, const float* b_m,
                            const float* b_v) {
  const AdapterLayout::Pair p = adapter_->layout().pair(layer, target);
  device_.upload(b_.moment1 + p.a_offset, a_m, p.a_floats * sizeof(float));
  device_.upload(b_.moment2 + p.a_offset, a_v, p.a_floats * sizeof(float));
  device_.upload(b_.moment1 + p.b_offset, b_m, p.b_floats * sizeof(float));
  device_.upload(b_.moment2 + p.b_offset, b_v, p.b_floats * sizeof(float));
}

void Trainer::read_gradients(int layer, unsigned target, float* a, float* b) const {
  const AdapterLayout::Pair p = adapter_->layout().pair(layer, target);
  device_.download(a, b_.adapter_gradient + p.a_offset, p.a_floats * sizeof(float));
  device_.download(b, b_.adapter_gradient + p.b_offset, p.b_floats * sizeof(float));
}

void Trainer::require_training() const { want(for_training_, "the trainer was not made for training"); }

}  // namespace vq
