// Training and decoding on a GPU, through the C header: one JSON object on stdout.
//
//   vq_bench_training LIBRARY [shape 8b|0.6b|tiny] [weights plain|int8|nf4|fp8|fp8-products] [tokens N] [steps N]
//   [decode N] [tune 0|1] [repeat N]
//
// The weights are random and shared by all layers: the timing does not depend on them. A step is one window of `tokens`
// tokens with loss on the last 40, rank 128 on all seven projections, dropout 0.05. The first step is not counted: it
// loads libraries and chooses kernels. Decoding is greedy, with the argmax on the GPU; decode 0: none.
//
// tune 1 first times the algorithms of every GEMM, as `vqctl train --gpu` does. With repeat, training starts anew from
// the same adapter so many times, and same_bytes reports whether all runs ended with the same bytes.
#include "tests/bench/bench.h"
#include "tests/model/tensors.h"

namespace vq::bench {
namespace {

struct TrainingResult {
  double first_loss = 0, first_norm = 0;
  std::vector<double> seconds;  // of each step after the first
  std::vector<float> adapter;
};

class Bench {
 public:
  explicit Bench(const Options& o)
      : o_(o), config_(shape_named(o.text("shape"))), tokens_(o.number("tokens", 64)), targets_(std::min(40, tokens_)) {
    config_.weights = static_cast<int32_t>(format_named(o.text("weights")));
    weights_ = random_bf16(static_cast<size_t>(config_.vocab) * static_cast<size_t>(config_.hidden), 1);
    norms_.assign(static_cast<size_t>(std::max(config_.hidden, config_.head_dim)), 1.0f);
    must(vq_device_open(o.library.c_str(), 0, &device_, &err_), err_);
    vq_device_describe(device_, &info_);
  }

  void run() {
    load(true);
    create_trainer();
    double tuning = 0;
    if (o_.number("tune", 0)) {
      const auto start = std::chrono::steady_clock::now();
      must(vq_trainer_tune_gemms(trainer_, &err_), err_);
      tuning = since(start);
    }
    const TrainingResult first = train();
    const double used = memory_used();
    bool same = true;
    const int repeat = o_.number("repeat", 1);
    for (int i = 1; i < repeat; i++) {
      recreate_trainer();
      same = train().adapter == first.adapter && same;
    }
    vq_device_describe(device_, &info_);
    vq_trainer_close(trainer_);
    vq_adapter_close(adapter_);
    vq_model_close(model_);
    const double rate = tokens_ / middle_of_fast(first.seconds);
    std::string more;
    if (repeat > 1) more += std::string(", \"same_bytes\": ") + (same ? "true" : "false");
    if (tuning > 0) more += ", \"tuning_seconds\": " + std::to_string(tuning);
    if (const int decoded = o_.number("decode", 0)) {
      load(false);
      more += ", \"decode_tokens_per_second\": " + std::to_string(decode(decoded));
      vq_model_close(model_);
    }
    vq_device_close(device_);
    constexpr double kGiB = 1 << 30;
    print_line(
        "{\"gpu\": %s, \"instructions\": %s, \"shape\": \"%s\", \"weights\": \"%s\", \"tokens\": %d, "
        "\"train_tokens_per_second\": %.1f, \"train_tflops\": %.1f, \"first_loss\": %.6g, \"first_grad_norm\": %.6g, "
        "\"recompute_layers\": %d, \"plan_gib\": %.3f, \"used_gib\": %.3f, \"unaligned_gemms\": %lld%s}",
        quoted(info_.name).c_str(), quoted(info_.instructions).c_str(), o_.text("shape").c_str(),
        o_.text("weights").c_str(), tokens_, rate, rate / tokens_ * flops_ / 1e12, first.first_loss, first.first_norm,
        limits_.recompute_layers, static_cast<double>(plan_.total) / kGiB, used / kGiB,
        static_cast<long long>(info_.unaligned_gemms), more.c_str());
  }

 private:
  void set(vq_tensor_kind kind, int layer, int64_t rows, int64_t cols) {
    const void* data = rows == 1 ? static_cast<const void*>(norms_.data()) : weights_.data();
    must(vq_model_set_tensor(model_, kind, layer, data, rows == 1 ? VQ_F32 : VQ_BF16, rows, cols, &err_), err_);
  }
  void load(bool for_training) {
    const vq_model_config& c = config_;
    must(vq_model_create(device_, &c, VQ_BF16, &model_, &err_), err_);
    vq::test::each_tensor(
        c, [&](vq_tensor_kind kind, int layer, int64_t rows, int64_t cols) { set(kind, layer, rows, cols); });
    must(vq_model_finish(model_, for_training, &err_), err_);
  }

  void create_trainer() {
    const vq_adapter_config adapter{std::min(128, config_.hidden / 2), 2, 0.05f, 127};
    must(vq_adapter_create(model_, &adapter, &adapter_, &err_), err_);
    write_adapter();
    limits_ = {tokens_, 1, targets_, 0, 0, 0};
    // Recomputes as many layers as necessary to fit.
    int code = vq_trainer_create(model_, adapter_, &limits_, 1, &trainer_, &err_);
    while (code == VQ_NO_MEMORY && limits_.recompute_layers < config_.layers) {
      limits_.recompute_layers += 2;
      code = vq_trainer_create(model_, adapter_, &limits_, 1, &trainer_, &err_);
    }
    must(code, err_);
    must(vq_plan_training(device_, nullptr, &config_, VQ_BF16, VQ_BF16, &adapter, &limits_, &plan_, &err_), err_);
    const int64_t rows = tokens_, lossy = targets_;
    vq_flops flops{};
    must(vq_training_flops(&config_, &adapter, limits_.recompute_layers, &rows, &lossy, 1, &flops, &err_), err_);
    flops_ = flops.base + flops.other;
  }
  void recreate_trainer() {
    vq_trainer_close(trainer_);
    write_adapter();
    must(vq_trainer_create(model_, adapter_, &limits_, 1, &trainer_, &err_), err_);
  }

  struct Pair {
    int layer;
    uint32_t target;
    size_t a, b;  // elements
  };
  std::vector<Pair> pairs() const {
    const size_t rank = static_cast<size_t>(std::min(128, config_.hidden / 2));
    const size_t hidden = static_cast<size_t>(config_.hidden), ffn = static_cast<size_t>(config_.ffn);
    const size_t q = static_cast<size_t>(config_.heads * config_.head_dim);
    const size_t kv = static_cast<size_t>(config_.kv_heads * config_.head_dim);
    std::vector<Pair> all;
    for (int l = 0; l < config_.layers; l++) {
      const auto add = [&](uint32_t target, size_t in, size_t out) {
        all.push_back({l, target, rank * in, out * rank});
      };
      add(VQ_TARGET_Q, hidden, q);
      add(VQ_TARGET_K, hidden, kv);
      add(VQ_TARGET_V, hidden, kv);
      add(VQ_TARGET_O, q, hidden);
      add(VQ_TARGET_GATE, hidden, ffn);
      add(VQ_TARGET_UP, hidden, ffn);
      add(VQ_TARGET_DOWN, ffn, hidden);
    }
    return all;
  }
  // Small numbers in A and in B, so that every gradient of the first step is there.
  void write_adapter() {
    std::vector<float> small;
    for (const Pair& p : pairs()) {
      small.resize(std::max({small.size(), p.a, p.b}));
    }
    for (size_t i = 0; i < small.size(); i++) small[i] = static_cast<float>(i * 7919 % 1009) / 1009e2f - 0.005f;
    for (const Pair& p : pairs()) {
      must(vq_adapter_write(adapter_, p.layer, p.target, small.data(), small.data(), &err_), err_);
    }
  }
  std::vector<float> read_adapter() {
    std::vector<float> all;
    for (const Pair& p : pairs()) {
      const size_t at = all.size();
      all.resize(at + p.a + p.b);
      must(vq_adapter_read(adapter_, p.layer, p.target, &all[at], &all[at + p.a], &err_), err_);
    }
    return all;
  }

  // As vqctl trains: a step is started before the result of the previous one is read.
  TrainingResult train() {
    TrainingResult result;
    auto ended = std::chrono::steady_clock::now();
    const auto end_update = [&](int step) {
      vq_update_result got{};
      must(vq_trainer_end_update(trainer_, &got, &err_), err_);
      if (step > 1) result.seconds.push_back(since(ended));
      ended = std::chrono::steady_clock::now();
      if (step == 1) {
        result.first_loss = got.loss_sum / targets_;
        result.first_norm = got.grad_norm;
      }
    };
    const int last = o_.number("steps", 1) + 1;
    for (int step = 1; step <= last; step++) {
      fill(step);
      must(vq_trainer_accumulate(trainer_, step % 2, 1, targets_, static_cast<uint64_t>(step), &err_), err_);
      if (step > 1) end_update(step - 1);
      const vq_update how{1e-4f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, static_cast<double>(targets_), step, 0};
      must(vq_trainer_begin_update(trainer_, &how, &err_), err_);
    }
    end_update(last);
    if (o_.number("repeat", 1) > 1) result.adapter = read_adapter();
    return result;
  }
  void fill(int step) {
    vq_batch b{};
    must(vq_trainer_batch(trainer_, step % 2, &b, &err_), err_);
    must(vq_trainer_wait(trainer_, step % 2, &err_), err_);
    b.window_begin[0] = 0;
    b.window_begin[1] = tokens_;
    for (int i = 0; i < tokens_; i++) b.ids[i] = static_cast<int32_t>((i * 7919LL + step) % config_.vocab);
    for (int i = 0; i < targets_; i++) {
      b.target_row[i] = tokens_ - targets_ + i;
      b.target_id[i] = static_cast<int32_t>((i * 104729LL + step) % config_.vocab);
      b.target_weight[i] = 1;
    }
  }

  // Bytes of the GPU that this program has taken since it was opened.
  double memory_used() const {
    vq_device_info now{};
    vq_device_describe(device_, &now);
    return static_cast<double>(info_.memory_available) - static_cast<double>(now.memory_available);
  }

  double decode(int count) {
    const int prompt = std::min(512, tokens_);
    vq_session* session = nullptr;
    must(vq_session_create(model_, nullptr, prompt + count + 8, 1, &session, &err_), err_);
    std::vector<int32_t> ids(static_cast<size_t>(prompt), 1);
    std::vector<vq_candidate> likeliest(VQ_MAX_CANDIDATES + 1);
    must(vq_session_prefill(session, 0, ids.data(), prompt, nullptr, &err_), err_);
    std::vector<double> seconds;
    // The first pass is launched kernel by kernel, the second is recorded, and later ones are replayed.
    constexpr int kUncounted = 2;
    for (int i = 0; i < count + kUncounted; i++) {
      const int32_t sequence = 0, id = i % config_.vocab;
      const double below = 0;
      const auto start = std::chrono::steady_clock::now();
      must(vq_session_decode(session, &sequence, &id, 1, nullptr, &err_), err_);
      must(vq_session_candidates(session, 1, nullptr, &below, likeliest.data(), &err_), err_);
      if (i >= kUncounted) seconds.push_back(since(start));
    }
    vq_session_close(session);
    return 1 / middle_of_fast(seconds);
  }

  static double middle_of_fast(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 4];
  }

  const Options& o_;
  vq_model_config config_;
  const int tokens_, targets_;
  std::vector<uint16_t> weights_;
  std::vector<float> norms_;
  vq_device* device_ = nullptr;
  vq_device_info info_{};
  vq_model* model_ = nullptr;
  vq_adapter* adapter_ = nullptr;
  vq_trainer* trainer_ = nullptr;
  vq_train_limits limits_{};
  vq_memory_plan plan_{};
  double flops_ = 0;
  vq_error err_{};
};

}  // namespace
}  // namespace vq::bench

int main(int argc, char** argv) {
  const vq::bench::Options options(argc, argv,
                                   {{"shape", "8b"},
                                    {"weights", "plain"},
                                    {"tokens", "4096"},
                                    {"steps", "8"},
                                    {"decode", "0"},
                                    {"tune", "0"},
                                    {"repeat", "1"}});
  vq::bench::Bench(options).run();
  return 0;
}
