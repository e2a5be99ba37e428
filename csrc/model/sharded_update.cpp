#include "model/sharded_update.h"

#include <algorithm>
#include <string>

namespace vq {

ShardBuffers::ShardBuffers(Arena& m, int64_t floats, int world, int64_t max_targets) {
  const Slices slices{floats, world};
  gradient = m.array<float>(Purpose::gradients, slices.largest());
  incoming = m.array<float>(Purpose::workspace, world * std::min(kChunk, slices.largest()));
  losses = m.array<float>(Purpose::workspace, world * max_targets);
  squares = m.array<double>(Purpose::workspace, slices.parts());
}

ShardedUpdate::ShardedUpdate(Device& device, Comm& comm, const LoraLayout& layout, const ShardBuffers& buffers,
                             int64_t max_targets)
    : device_(device),
      comm_(comm),
      scale_(layout.config().scale),
      stretches_(layout.stretches()),
      slices_{layout.floats(), comm.world()},
      b_(buffers),
      max_targets_(max_targets),
      chunk_(std::min(ShardBuffers::kChunk, slices_.largest())),
      targets_(static_cast<size_t>(comm.world())) {}

void ShardedUpdate::add_round(const float* gradient, const float* losses, int32_t targets, GradNormState* step) {
  const int active = agree_on_round(targets);
  exchange_losses(losses);
  for (int r = 0; r < active; r++) {
    const float* of_rank = r == comm_.rank() ? losses : b_.losses + r * max_targets_;
    device_.accumulate_sum(&step->loss, of_rank, targets_[r]);
  }
  for (int64_t chunk = 0; chunk < slices_.largest(); chunk += chunk_) fold_chunk(gradient, active, chunk);
}

// Learns how many targets each rank has in this round, and returns how many ranks have any: the first ones.
int ShardedUpdate::agree_on_round(int32_t targets) {
  struct Header {
    int64_t round;
    int64_t targets;
  };
  const int world = comm_.world(), me = comm_.rank();
  const std::vector<Header> all = all_gather(comm_, Header{++round_, targets});
  int active = 0;
  for (int r = 0; r < world; r++) {
    if (all[r].round != round_ || all[r].targets < 0 || all[r].targets > max_targets_) {
      throw PeerError("rank " + std::to_string(r) + " is at another micro-batch than rank " + std::to_string(me));
    }
    targets_[r] = static_cast<int32_t>(all[r].targets);
    if (targets_[r] == 0) continue;
    if (active != r)
      throw PeerError("rank " + std::to_string(active) + " has no micro-batch, but a later rank has one");
    active++;
  }
  return active;
}

void ShardedUpdate::exchange_losses(const float* losses) {
  const int me = comm_.rank();
  std::vector<Transfer> sends, receives;
  for (int r = 0; r < comm_.world(); r++) {
    if (r == me) continue;
    if (targets_[me]) sends.push_back({r, const_cast<float*>(losses), targets_[me] * sizeof(float)});
    if (targets_[r]) receives.push_back({r, b_.losses + r * max_targets_, targets_[r] * sizeof(float)});
  }
  device_.exchange(comm_, sends, receives);
}

// Exchanges up to chunk_ floats of every slice, from `chunk` on, and adds those of this rank's.
void ShardedUpdate::fold_chunk(const float* gradient, int active, int64_t chunk) {
  const int me = comm_.rank();
  const auto length = [&](int rank) { return std::clamp<int64_t>(slices_.size(rank) - chunk, 0, chunk_); };
  const int64_t own = length(me);
  std::vector<Transfer> sends, receives;
  for (int r = 0; r < comm_.world(); r++) {
    if (r == me) continue;
    if (me < active && length(r) > 0) {
      sends.push_back({r, const_cast<float*>(gradient) + slices_.begin(r) + chunk, length(r) * sizeof(float)});
    }
    if (r < active && own > 0) receives.push_back({r, b_.incoming + r * chunk_, own * sizeof(float)});
  }
  device_.exchange(comm_, sends, receives);
  for (int r = 0; r < active && own > 0; r++) {
    fold_into(chunk, own, r == me ? gradient + begin() + chunk : b_.incoming + r * chunk_);
  }
}

// Adds to floats [begin, begin + floats) of this rank's slice.
void ShardedUpdate::fold_into(int64_t begin, int64_t floats, const float* gradient) {
  const int64_t first = this->begin() + begin, last = first + floats;
  auto stretch = std::upper_bound(stretches_.begin(), stretches_.end(), first,
                                  [](int64_t at, const LoraLayout::Stretch& s) { return at < s.begin; });
  for (--stretch; stretch != stretches_.end() && stretch->begin < last; ++stretch) {
    const int64_t from = std::max(first, stretch->begin), to = std::min(last, stretch->begin + stretch->floats);
    device_.fold(b_.gradient + (from - this->begin()), gradient + (from - first), to - from,
                 stretch->is_b ? scale_ : 1);
  }
}

uint32_t ShardedUpdate::update(float* parameters, float* moment1, float* moment2, const vq_update& how,
                               GradNormState* step) {
  const uint32_t flags = share_flags(how.flags);
  share_squares();
  // One after the other, as by one process.
  std::vector<double> parts(static_cast<size_t>(slices_.parts()));
  device_.download(parts.data(), b_.squares, parts.size() * sizeof(double));
  double squares = 0;
  for (const double part : parts) squares += part;
  device_.upload(&step->squares, &squares, sizeof(squares));
  device_.finish_grad_norm(step, how.normalizer, how.max_grad_norm);
  device_.adamw(parameters + begin(), moment1, moment2, b_.gradient, size(),
                {how.learning_rate, how.beta1, how.beta2, how.epsilon, how.weight_decay, how.step}, step);
  const int me = comm_.rank();
  std::vector<Transfer> sends, receives;
  for (int r = 0; r < comm_.world(); r++) {
    if (r == me) continue;
    if (size() > 0) sends.push_back({r, parameters + begin(), size() * sizeof(float)});
    if (slices_.size(r) > 0) {
      receives.push_back({r, parameters + slices_.begin(r), slices_.size(r) * sizeof(float)});
    }
  }
  device_.exchange(comm_, sends, receives);
  return flags;
}

void ShardedUpdate::share_squares() {
  const int me = comm_.rank();
  const auto count = [&](int r) { return slices_.first_part(r + 1) - slices_.first_part(r); };
  double* own = b_.squares + slices_.first_part(me);
  device_.squares_of_parts(own, b_.gradient, size());
  std::vector<Transfer> sends, receives;
  for (int r = 0; r < comm_.world(); r++) {
    if (r == me) continue;
    if (count(me) > 0) sends.push_back({r, own, count(me) * sizeof(double)});
    if (count(r) > 0) receives.push_back({r, b_.squares + slices_.first_part(r), count(r) * sizeof(double)});
  }
  device_.exchange(comm_, sends, receives);
}

uint32_t ShardedUpdate::share_flags(uint32_t own) {
  uint32_t flags = 0;
  for (const uint32_t of_rank : all_gather(comm_, own)) flags |= of_rank;
  return flags;
}

void ShardedUpdate::zero_grad() {
  const int64_t n = size();
  if (n > 0) device_.zero({b_.gradient, DType::f32, 1, n, n});
}

void ShardedUpdate::gather(const float* part, int64_t first, int64_t floats, float* out) {
  const int me = comm_.rank();
  std::vector<Transfer> sends, receives;
  std::vector<float> sent;  // in host memory, where rank 0 wants it
  for (int r = 0; r < comm_.world(); r++) {
    const int64_t from = std::max(first, slices_.begin(r)), to = std::min(first + floats, slices_.begin(r + 1));
    if (from >= to || (me != 0 && r != me)) continue;
    if (r == me && me == 0) {
      device_.download(out + (from - first), part + (from - begin()), (to - from) * sizeof(float));
    } else if (r == me) {
      sent.resize(static_cast<size_t>(to - from));
      device_.download(sent.data(), part + (from - begin()), sent.size() * sizeof(float));
      sends.push_back({0, sent.data(), sent.size() * sizeof(float)});
    } else {
      receives.push_back({r, out + (from - first), (to - from) * sizeof(float)});
    }
  }
  comm_.exchange(sends, receives);
}

ShardedUpdate::Wish ShardedUpdate::hear() {
  Wish wish{};
  broadcast(comm_, &wish, sizeof(wish));
  return wish;
}

void ShardedUpdate::tell(Wish wish) { broadcast(comm_, &wish, sizeof(wish)); }

}  // namespace vq
