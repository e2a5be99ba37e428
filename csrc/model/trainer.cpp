#include "model/trainer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <string>

#include "model/flops.h"

namespace vq {

void check(const vq_train_limits& l) {
  constexpr int64_t kMost = 1 << 24;
  require(l.max_tokens >= 1 && l.max_tokens <= kMost, "max_tokens of a batch is out of range");
  require(l.max_windows >= 1 && l.max_windows <= l.max_tokens, "max_windows of a batch is out of range");
  require(l.max_targets >= 1 && l.max_targets <= l.max_tokens, "max_targets of a batch is out of range");
  require(l.recompute_layers >= 0, "the number of layers to recompute is negative");
  require(l.ranks >= 0 && l.ranks <= kMost, "the number of processes is out of range");
}

BatchArrays::BatchArrays(int32_t* memory, const vq_train_limits& limits) {
  if (!memory) return;  // only counted
  ids = memory;
  positions = ids + limits.max_tokens;
  target_row = positions + limits.max_tokens;
  target_position = target_row + limits.max_targets;
  target_id = target_position + limits.max_targets;
  target_weight = reinterpret_cast<float*>(target_id + limits.max_targets);
}

TrainerBuffers::TrainerBuffers(Arena& m, const ModelConfig& c, DType act, const LoraLayout* lora,
                               const vq_train_limits& limits, bool for_training)
    : layers(c.layers) {
  const Purpose work = Purpose::workspace, kept = for_training ? Purpose::activations : Purpose::workspace;
  const PassLimits pass{limits.max_tokens, limits.max_targets, limits.max_tokens};
  for (size_t slot = 0; slot < host_batch.size(); slot++) {
    host_batch[slot] = BatchArrays(m.host_array<int32_t>(work, BatchArrays::words(limits)), limits);
    device_batch[slot] = BatchArrays(m.array<int32_t>(work, BatchArrays::words(limits)), limits);
    window_begin[slot] = m.host_array<int32_t>(work, limits.max_windows + 1);
  }
  ones = m.array<float>(work, pass.out_rows);
  loss = m.array<float>(work, pass.out_rows);

  // The last layer has buffers of its own shapes. Layers whose activations are recomputed share one set of buffers;
  // without training all others do, and their residual stream is one buffer too.
  for (int l = 0; l < c.layers; l++) {
    const bool last = l + 1 == c.layers, shares = !for_training || l < limits.recompute_layers;
    if (l == 0 || last || !shares) {
      layers[l] = allocate_activations(m, kept, c, act, lora, l, pass);
    } else {
      const Tensor x = for_training ? m.matrix(kept, DType::f32, pass.rows, c.hidden) : layers[0].x;
      layers[l] = layers[0];
      layers[l].x = x;
    }
  }
  x_out = m.matrix(kept, DType::f32, pass.out_rows, c.hidden);
  const bool dropout = for_training && lora && lora->config().dropout > 0;
  scratch = allocate_scratch(m, c, act, dropout, pass);
  const bool cast = needs_cast(m.needs(), act);
  head = allocate_lm_head(m, c, act, pass.out_rows, 1, for_training, cast);
  cos_sin = allocate_rope_table(m, c, pass.positions);
  m.reserve_workspace(pass.rows, c.widest_output(), c.widest_input(), c.attention());
  m.reserve_cast_workspace(pass.rows, std::max(c.widest_output(), c.widest_input()), c.format);
  if (lora && cast) lora_cast = m.array<uint16_t>(work, lora->layer_floats());
  if (!for_training) return;

  gradients = allocate_gradients(m, c, act, *lora, cast, pass);
  adapter_gradient = m.array<float>(Purpose::gradients, lora->floats());
  const int64_t owned = Slices{lora->floats(), std::max(1, limits.ranks)}.largest();
  const auto moments = [&] {
    return limits.offload_optimizer ? m.host_array<float>(Purpose::optimizer, owned)
                                    : m.array<float>(Purpose::optimizer, owned);
  };
  moment1 = moments();
  moment2 = moments();
  step = m.array<GradNormState>(work, 1);
  host_step = m.host_array<GradNormState>(work, 1);
  if (limits.ranks > 1) shard = ShardBuffers(m, lora->floats(), limits.ranks, limits.max_targets);
  // GEMMs that sum over all rows, for the adapter's gradients.
  m.reserve_workspace(c.widest_output(), c.widest_input(), pass.rows, c.attention());
}

Trainer::Trainer(const ModelWeights& model, Adapter* adapter, const vq_train_limits& limits, bool for_training,
                 Comm* comm)
    : device_(model.device()),
      model_(model),
      adapter_(adapter),
      limits_(limits),
      for_training_(for_training),
      arena_(model.device()),
      b_(arena_, model.config(), model.compute(), adapter ? &adapter->layout() : nullptr, limits, for_training),
      lora_(adapter ? std::make_unique<TrainableLora>(device_, *adapter, model.compute(), b_.lora_cast) : nullptr),
      decoder_(model, lora_.get(), b_.scratch, b_.cos_sin),
      head_(model, b_.head) {
  if (for_training) {
    const bool sums = limits.ranks <= 1;
    decoder_backward_ = std::make_unique<DecoderBackward>(decoder_, *lora_, b_.gradients, b_.adapter_gradient, sums);
    if (!sums) {
      shard_ = std::make_unique<ShardedUpdate>(device_, *comm, adapter->layout(), b_.shard, limits.max_targets);
    }
  }
  for (std::unique_ptr<Event>& event : done_) {
    event.reset(device_.make_event());
    device_.record(*event);  // the buffers are zeroed by now
  }
  updated_.reset(device_.make_event());
  plan_.reserve(limits.max_windows, limits.max_windows, limits.max_tokens);
  out_plan_.reserve(limits.max_windows, limits.max_windows, limits.max_targets);
  const std::vector<float> ones(limits.max_targets, 1.0f);
  device_.upload(b_.ones, ones.data(), ones.size() * sizeof(float));
}

vq_batch Trainer::batch(int slot) const {
  const BatchArrays& b = b_.host_batch[slot];
  return {b.ids, b_.window_begin[slot], b.target_row, b.target_id, b.target_weight};
}

void Trainer::check_batch(int slot, int32_t windows, int32_t targets) const {
  const vq_batch batch = this->batch(slot);
  const int64_t vocab = model_.config().vocab;
  const auto at = [](const char* what, int64_t i) { return std::string(what) + " " + std::to_string(i); };
  require(windows >= 1 && windows <= limits_.max_windows,
          "a batch cannot have " + std::to_string(windows) + " windows");
  require(targets >= 1 && targets <= limits_.max_targets,
          "a batch cannot have " + std::to_string(targets) + " targets");
  require(batch.window_begin[0] == 0, "the first window must begin at row 0");
  for (int32_t w = 0; w < windows; w++) {
    require(batch.window_begin[w] < batch.window_begin[w + 1], at("no row is in window", w));
  }
  const int32_t rows = batch.window_begin[windows];
  require(rows <= limits_.max_tokens, "a batch cannot have " + std::to_string(rows) + " rows");
  for (int32_t i = 0; i < rows; i++) {
    require(batch.ids[i] >= 0 && batch.ids[i] < vocab, at("the vocabulary has no id", batch.ids[i]));
  }
  for (int32_t i = 0; i < targets; i++) {
    require(batch.target_row[i] > (i ? batch.target_row[i - 1] : -1), at("the target rows do not ascend at target", i));
    require(batch.target_row[i] < rows, at("the batch has no row for target", i));
    require(batch.target_id[i] >= 0 && batch.target_id[i] < vocab, at("the vocabulary has no id", batch.target_id[i]));
  }
}

ForwardPass Trainer::prepare(int slot, int32_t windows, int32_t targets) {
  const BatchArrays &batch = b_.host_batch[slot], &on_device = b_.device_batch[slot];
  const int32_t* window_begin = b_.window_begin[slot];
  wait(slot);  // the host batch must have been copied before it is changed
  plan_.clear();
  out_plan_.clear();
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
      if (first) out_plan_.begin_segment({&keys, 1});
      out_plan_.add_row(batch.target_row[target] - begin + 1);
      batch.target_position[target] = batch.target_row[target] - begin;
    }
  }
  // The slot's last batch was the last to read its device copy.
  device_.copy_to_device_async(on_device.ids, batch.ids, BatchArrays::words(limits_) * sizeof(int32_t), *done_[slot]);

  ForwardPass pass;
  pass.rows = window_begin[windows];
  pass.out_rows = targets;
  pass.positions = on_device.positions;
  pass.out_index = on_device.target_row;
  pass.out_positions = on_device.target_position;
  pass.plan = plan_.plan();
  pass.out_plan = out_plan_.plan();
  return pass;
}

void Trainer::forward(const ForwardPass& pass, const int32_t* ids) {
  const int count = model_.config().layers;
  device_.embed(b_.layers[0].x.row_range(0, pass.rows), model_.embedding(), ids);
  for (int l = 0; l < count; l++) {
    decoder_.forward(l, b_.layers[l], l + 1 < count ? b_.layers[l + 1].x : b_.x_out, pass);
  }
}

// Losses into b_.loss; with `gradient`, also the gradient of the last layer's output into dx_out.
void Trainer::losses(const BatchArrays& batch, int32_t targets, const float* weights, bool gradient) {
  const Tensor x = b_.x_out.row_range(0, targets);
  head_.norm(x);
  for (int64_t begin = 0; begin < targets; begin += head_.chunk()) {
    const int64_t count = std::min<int64_t>(head_.chunk(), targets - begin);
    const Tensor logits = head_.logits(begin, count);
    device_.cross_entropy(b_.loss + begin, logits, batch.target_id + begin, weights + begin, gradient);
    if (gradient) head_.backward(b_.gradients.dx_out, x, logits, begin);
  }
}

void Trainer::backward(const ForwardPass& pass) {
  const int count = model_.config().layers, recomputed = recomputed_layers(count, limits_.recompute_layers);
  for (int l = count - 1; l >= 0; l--) {
    if (l < recomputed) decoder_.recompute(l, b_.layers[l], pass);
    decoder_backward_->run(l, b_.layers[l], pass);
  }
}

void Trainer::accumulate(int slot, int32_t windows, int32_t targets, uint64_t dropout_seed) {
  if (windows > 0) compute(slot, windows, targets, dropout_seed);
  if (shard_) {
    shard_->add_round(b_.adapter_gradient, b_.loss, targets, b_.step);
  } else {
    device_.accumulate_sum(&b_.step->loss, b_.loss, targets);
  }
  device_.record(*done_[slot]);
}

// The losses and gradients of a batch.
void Trainer::compute(int slot, int32_t windows, int32_t targets, uint64_t dropout_seed) {
  const BatchArrays& batch = b_.device_batch[slot];
  ForwardPass pass = prepare(slot, windows, targets);
  pass.dropout = adapter_->layout().config().dropout;
  pass.dropout_seed = dropout_seed;
  forward(pass, batch.ids);
  losses(batch, targets, batch.target_weight, true);
  backward(pass);
}

void Trainer::tune_gemms() {
  if (device_.info().gemm_library.empty()) return;
  // Most batches are nearly full: the upper half of their lengths in four steps, shorter ones by powers of two.
  constexpr int32_t kShortest = 64, kSteps = 4;
  device_.tune_gemms(true);
  try {
    const auto most = static_cast<int32_t>(limits_.max_tokens);
    for (int32_t rows = most; rows >= kShortest || rows == most;) {
      const int32_t targets = fill_dummy_batch(rows);
      compute(0, 1, targets, 1);
      device_.record(*done_[0]);
      const auto octave = static_cast<int32_t>(std::bit_ceil(static_cast<uint32_t>(most)) / 2);
      const int32_t step = octave / kSteps;
      rows = rows > octave && step > 0 ? std::max(octave, (rows - 1) / step * step)
                                       : static_cast<int32_t>(std::bit_floor(static_cast<uint32_t>(rows - 1)));
    }
  } catch (...) {
    device_.tune_gemms(false);
    zero_grad();
    throw;
  }
  device_.tune_gemms(false);
  zero_grad();
}

// One window of this many rows whose last rows are targets; returns how many.
int32_t Trainer::fill_dummy_batch(int32_t rows) {
  const vq_batch batch = this->batch(0);
  wait(0);  // the host batch must have been copied before it is changed
  const auto targets = static_cast<int32_t>(std::min<int64_t>(rows, limits_.max_targets));
  batch.window_begin[0] = 0;
  batch.window_begin[1] = rows;
  for (int32_t i = 0; i < rows; i++) batch.ids[i] = static_cast<int32_t>(i % model_.config().vocab);
  for (int32_t i = 0; i < targets; i++) {
    batch.target_row[i] = rows - targets + i;
    batch.target_id[i] = static_cast<int32_t>(i % model_.config().vocab);
    batch.target_weight[i] = 1;
  }
  return targets;
}

void Trainer::evaluate(int slot, int32_t windows, int32_t targets, float* loss) {
  const ForwardPass pass = prepare(slot, windows, targets);
  forward(pass, b_.device_batch[slot].ids);
  losses(b_.device_batch[slot], targets, b_.ones, false);
  device_.record(*done_[slot]);
  device_.download(loss, b_.loss, targets * sizeof(float));
}

void Trainer::begin_update(const vq_update& how) {
  if (shard_) {
    flags_ = shard_->update(adapter_->parameters(), b_.moment1, b_.moment2, how, b_.step);
  } else {
    const int64_t n = adapter_->layout().floats();
    flags_ = how.flags;
    device_.accumulate_sum_of_squares(&b_.step->squares, b_.adapter_gradient, n);
    device_.finish_grad_norm(b_.step, how.normalizer, how.max_grad_norm);
    device_.adamw(adapter_->parameters(), b_.moment1, b_.moment2, b_.adapter_gradient, n,
                  {how.learning_rate, how.beta1, how.beta2, how.epsilon, how.weight_decay, how.step}, b_.step);
  }
  adapter_->mark_changed();
  device_.copy_to_host_async(b_.host_step, b_.step, sizeof(GradNormState));
  device_.record(*updated_);
  zero_grad();
}

bool Trainer::end_update(const vq_update& how, vq_update_result& result) const {
  device_.wait(*updated_);
  result.loss_sum = b_.host_step->loss;
  result.grad_norm = std::sqrt(b_.host_step->squares) / how.normalizer;
  result.flags = flags_;
  return !b_.host_step->not_finite;
}

void Trainer::zero_grad() {
  const int64_t n = adapter_->layout().floats();
  if (shard_) {
    shard_->zero_grad();
  } else {
    device_.zero({b_.adapter_gradient, DType::f32, 1, n, n});
  }
  constexpr int64_t kSums = offsetof(GradNormState, gradient_scale) / sizeof(float);
  device_.zero({b_.step, DType::f32, 1, kSums, kSums});
}

void Trainer::read_moments(int layer, unsigned target, float* a_m, float* a_v, float* b_m, float* b_v) {
  const LoraLayout::Pair p = adapter_->layout().pair(layer, target);
  if (shard_) {
    shard_->tell({layer, target});
    gather_moments(p, a_m, a_v, b_m, b_v);
    return;
  }
  device_.download(a_m, b_.moment1 + p.a_offset, p.a_floats * sizeof(float));
  device_.download(a_v, b_.moment2 + p.a_offset, p.a_floats * sizeof(float));
  device_.download(b_m, b_.moment1 + p.b_offset, p.b_floats * sizeof(float));
  device_.download(b_v, b_.moment2 + p.b_offset, p.b_floats * sizeof(float));
}

void Trainer::gather_moments(const LoraLayout::Pair& p, float* a_m, float* a_v, float* b_m, float* b_v) {
  shard_->gather(b_.moment1, p.a_offset, p.a_floats, a_m);
  shard_->gather(b_.moment2, p.a_offset, p.a_floats, a_v);
  shard_->gather(b_.moment1, p.b_offset, p.b_floats, b_m);
  shard_->gather(b_.moment2, p.b_offset, p.b_floats, b_v);
}

void Trainer::send_moments() {
  if (!shard_) return;
  for (ShardedUpdate::Wish w = shard_->hear(); w.target != 0; w = shard_->hear()) {
    gather_moments(adapter_->layout().pair(w.layer, w.target), nullptr, nullptr, nullptr, nullptr);
  }
}

void Trainer::moments_read() {
  if (shard_) shard_->tell({0, 0});
}

void Trainer::write_moments(int layer, unsigned target, const float* a_m, const float* a_v, const float* b_m,
                            const float* b_v) {
  const LoraLayout::Pair p = adapter_->layout().pair(layer, target);
  write_moment(b_.moment1, p.a_offset, p.a_floats, a_m);
  write_moment(b_.moment2, p.a_offset, p.a_floats, a_v);
  write_moment(b_.moment1, p.b_offset, p.b_floats, b_m);
  write_moment(b_.moment2, p.b_offset, p.b_floats, b_v);
}

// Sets floats [begin, begin + floats) of the moments, as far as this process has them.
void Trainer::write_moment(float* moments, int64_t begin, int64_t floats, const float* values) {
  const int64_t first = shard_ ? shard_->begin() : 0;
  const int64_t last = shard_ ? first + shard_->size() : adapter_->layout().floats();
  const int64_t from = std::max(begin, first), to = std::min(begin + floats, last);
  if (from < to) device_.upload(moments + (from - first), values + (from - begin), (to - from) * sizeof(float));
}

void Trainer::read_gradients(int layer, unsigned target, float* a, float* b) const {
  const LoraLayout::Pair p = adapter_->layout().pair(layer, target);
  device_.download(a, b_.adapter_gradient + p.a_offset, p.a_floats * sizeof(float));
  device_.download(b, b_.adapter_gradient + p.b_offset, p.b_floats * sizeof(float));
}

void Trainer::require_training() const { require(for_training_, "the trainer was not created for training"); }

}  // namespace vq
