// Training and decoding on a GPU, through the C header: one JSON object on stdout.
//
//   vq_bench_training LIBRARY [shape 8b|0.6b|tiny] [weights plain|int8|nf4|fp8|fp8-products] [tokens N] [steps N]
//   [decode N]
//
// The weights are random and shared by all layers: the timing does not depend on them. A step is one window of `tokens`
// tokens with loss on the last 40, rank 128 on all seven projections, dropout 0.05. The first step is not counted: it
// loads libraries and chooses kernels. Decoding is greedy, with the argmax on the GPU.
#include <vq.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/model/tensors.h"

namespace {

struct Options {
  std::string library, shape = "8b", weights = "plain";
  int tokens = 4096, steps = 8, decode = 128;
};

[[noreturn]] void fail(const std::string& what) {
  std::printf("{\"error\": \"");
  for (char c : what) std::printf(c == '"' || c == '\\' ? "\\%c" : "%c", c);
  std::printf("\"}\n");
  std::exit(1);
}

void must(int code, const vq_error& err) {
  if (code != VQ_OK) fail(err.text);
}

vq_model_config shape_named(const std::string& name) {
  if (name == "8b") return {36, 4096, 12288, 32, 8, 128, 151936, 0, 1e-6f, 1e6, VQ_WEIGHTS_PLAIN};
  if (name == "0.6b") return {28, 1024, 3072, 16, 8, 128, 151936, 1, 1e-6f, 1e6, VQ_WEIGHTS_PLAIN};
  if (name == "tiny") return {2, 64, 96, 4, 2, 16, 256, 1, 1e-6f, 1e6, VQ_WEIGHTS_PLAIN};
  fail("there is no shape " + name);
}

int weights_named(const std::string& name) {
  const std::map<std::string, int> formats = {{"plain", VQ_WEIGHTS_PLAIN},
                                              {"int8", VQ_WEIGHTS_INT8},
                                              {"nf4", VQ_WEIGHTS_NF4},
                                              {"fp8", VQ_WEIGHTS_FP8},
                                              {"fp8-products", VQ_WEIGHTS_FP8_GEMM}};
  const auto found = formats.find(name);
  if (found == formats.end()) fail("there are no weights " + name);
  return found->second;
}

Options parse(int argc, char** argv) {
  Options o;
  if (argc < 2 || argc % 2 != 0) fail("usage: vq_bench_training LIBRARY [NAME VALUE]...");
  o.library = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "shape") {
      o.shape = value;
    } else if (name == "weights") {
      o.weights = value;
    } else if (name == "tokens") {
      o.tokens = std::max(64, std::atoi(value.c_str()));
    } else if (name == "steps") {
      o.steps = std::max(1, std::atoi(value.c_str()));
    } else if (name == "decode") {
      o.decode = std::max(1, std::atoi(value.c_str()));
    } else {
      fail("there is no option " + name);
    }
  }
  return o;
}

class Bench {
 public:
  explicit Bench(const Options& o) : o_(o), config_(shape_named(o.shape)) {
    config_.weights = weights_named(o.weights);
    std::mt19937 random(1);
    // bf16 numbers of moderate size, of both signs.
    weights_.resize(static_cast<size_t>(config_.vocab) * static_cast<size_t>(config_.hidden));
    for (uint16_t& w : weights_) {
      const uint32_t bits = random();
      w = static_cast<uint16_t>((bits & 0x807f) | (0x3c00 + (bits >> 8 & 0x0080)));
    }
    norms_.assign(static_cast<size_t>(std::max(config_.hidden, config_.head_dim)), 1.0f);
    must(vq_device_open(o.library.c_str(), 0, &device_, &err_), err_);
  }

  void run() {
    vq_device_info info{};
    vq_device_describe(device_, &info);
    load(true);
    const double training = train();
    vq_trainer_close(trainer_);
    vq_adapter_close(adapter_);
    vq_model_close(model_);
    adapter_ = nullptr;
    load(false);
    const double decoding = decode();
    std::printf(
        "{\"gpu\": \"%s\", \"instructions\": \"%s\", \"shape\": \"%s\", \"weights\": \"%s\", \"tokens\": %d, "
        "\"train_tokens_per_second\": %.1f, \"train_tflops\": %.1f, \"loss\": %.4f, \"recompute_layers\": %d, "
        "\"plan_gib\": %.2f, \"decode_tokens_per_second\": %.1f}\n",
        info.name, info.instructions, o_.shape.c_str(), o_.weights.c_str(), o_.tokens, training,
        training / o_.tokens * flops_ / 1e12, loss_, recompute_layers_, static_cast<double>(plan_.total) / (1 << 30),
        decoding);
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

  // Tokens per second, from the fastest quarter of the steps.
  double train() {
    const int targets = std::min(40, o_.tokens);
    const vq_adapter_config adapter{std::min(128, config_.hidden / 2), 2, 0.05f, 127};
    must(vq_adapter_create(model_, &adapter, &adapter_, &err_), err_);
    vq_train_limits limits{o_.tokens, 1, targets, 0, 0};
    // Recomputes as many layers as necessary to fit.
    int code = vq_trainer_create(model_, adapter_, &limits, 1, &trainer_, &err_);
    while (code == VQ_NO_MEMORY && limits.recompute_layers < config_.layers) {
      limits.recompute_layers += 2;
      code = vq_trainer_create(model_, adapter_, &limits, 1, &trainer_, &err_);
    }
    must(code, err_);
    recompute_layers_ = limits.recompute_layers;
    must(vq_plan_training(device_, nullptr, &config_, VQ_BF16, VQ_BF16, &adapter, &limits, &plan_, &err_), err_);
    const int64_t rows = o_.tokens, lossy = targets;
    vq_flops flops{};
    must(vq_training_flops(&config_, &adapter, limits.recompute_layers, &rows, &lossy, 1, &flops, &err_), err_);
    flops_ = flops.base + flops.other;
    // As vqctl trains: a step is started before the result of the previous one is read.
    std::vector<double> seconds;
    auto ended = std::chrono::steady_clock::now();
    const auto end_update = [&](int step) {
      vq_update_result result{};
      must(vq_trainer_end_update(trainer_, &result, &err_), err_);
      if (step > 1) seconds.push_back(since(ended));
      ended = std::chrono::steady_clock::now();
      loss_ = result.loss_sum / targets;
    };
    const int last = o_.steps + 1;
    for (int step = 1; step <= last; step++) {
      const int slot = step % 2;
      vq_batch b{};
      must(vq_trainer_batch(trainer_, slot, &b, &err_), err_);
      must(vq_trainer_wait(trainer_, slot, &err_), err_);
      b.window_begin[0] = 0;
      b.window_begin[1] = o_.tokens;
      for (int i = 0; i < o_.tokens; i++) b.ids[i] = static_cast<int32_t>((i * 7919LL + step) % config_.vocab);
      for (int i = 0; i < targets; i++) {
        b.target_row[i] = o_.tokens - targets + i;
        b.target_id[i] = static_cast<int32_t>((i * 104729LL + step) % config_.vocab);
        b.target_weight[i] = 1;
      }
      must(vq_trainer_accumulate(trainer_, slot, 1, targets, static_cast<uint64_t>(step), &err_), err_);
      if (step > 1) end_update(step - 1);
      const vq_update how{1e-4f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, static_cast<double>(targets), step};
      must(vq_trainer_begin_update(trainer_, &how, &err_), err_);
    }
    end_update(last);
    return o_.tokens / middle_of_fast(seconds);
  }

  double decode() {
    const int prompt = std::min(512, o_.tokens);
    vq_session* session = nullptr;
    must(vq_session_create(model_, nullptr, prompt + o_.decode + 8, 1, &session, &err_), err_);
    std::vector<int32_t> ids(static_cast<size_t>(prompt), 1);
    std::vector<vq_candidate> likeliest(VQ_MAX_CANDIDATES + 1);
    must(vq_session_prefill(session, 0, ids.data(), prompt, nullptr, &err_), err_);
    std::vector<double> seconds;
    // The first pass is launched kernel by kernel, the second is recorded, and later ones are replayed.
    constexpr int kUncounted = 2;
    for (int i = 0; i < o_.decode + kUncounted; i++) {
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

  static double since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  static double middle_of_fast(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 4];
  }

  Options o_;
  vq_model_config config_;
  std::vector<uint16_t> weights_;
  std::vector<float> norms_;
  vq_device* device_ = nullptr;
  vq_model* model_ = nullptr;
  vq_adapter* adapter_ = nullptr;
  vq_trainer* trainer_ = nullptr;
  vq_memory_plan plan_{};
  double flops_ = 0, loss_ = 0;
  int recompute_layers_ = 0;
  vq_error err_{};
};

}  // namespace

int main(int argc, char** argv) {
  Bench(parse(argc, argv)).run();
  return 0;
}
