// The time of every op of a training step on a GPU, at the shapes of a real model: JSON lines.
//
//   vq_bench_kernels LIBRARY [shape 8b|0.6b|tiny] [weights FORMAT] [tokens N] [milliseconds N] [only GROUP]
//
// First the ceilings of this GPU, measured in this run: {"ceiling", "tflops" or "gb_per_s"}. Then each op: {"kernel",
// "group", "count" (calls per layer forward and backward; 0: once per step), "us", "tflops" or "gb_per_s", "share" (of
// the ceiling)}. Bytes are those that the op must read and write once. Operands rotate through more memory than the L2
// cache holds, and are random: GPUs are faster on zeros. `milliseconds` is how long each op runs.
// only: base, lora, attention, elementwise or step.
#include <functional>

#include "tests/bench/bench.h"

namespace vq::bench {
namespace {

constexpr size_t kMoreThanL2 = size_t{192} << 20;

class Bench {
 public:
  explicit Bench(const Options& o)
      : c_(shape_named(o.text("shape"))),
        format_(format_named(o.text("weights"))),
        rows_(o.number("tokens", 16)),
        seconds_(o.number("milliseconds", 0) * 1e-3),
        only_(o.text("only")),
        rank_(std::min(128, c_.hidden / 2)) {
    vq_error err{};
    must(vq_device_open(o.library.c_str(), 0, &handle_, &err), err);
    device_ = handle_->device.get();
    cold_ = c_.vocab > 1000 ? kMoreThanL2 : 0;
    q_ = c_.heads * c_.head_dim;
    kv_ = c_.kv_heads * c_.head_dim;
    shape_ = {c_.heads, c_.kv_heads, c_.head_dim, 1 / std::sqrt(static_cast<float>(c_.head_dim))};
    random_ = random_bf16(cold_ ? size_t{32} << 20 : size_t{1} << 14, 2);
    pristine_ = device_->alloc(random_.size() * 2);
    device_->upload(pristine_, random_.data(), random_.size() * 2);
    device_->reserve_workspace(rows_, c_.vocab, c_.ffn, shape_);
    if (format_ == WeightFormat::fp8_gemm) device_->reserve_cast_workspace(rows_, 2 * c_.ffn, format_);
  }

  void run() {
    ceilings();
    const auto wanted = [&](const char* group) { return only_.empty() || only_ == group; };
    if (wanted("base")) base_gemms();
    if (wanted("lora")) lora_gemms();
    if (wanted("attention")) attention();
    if (wanted("elementwise")) elementwise();
    if (wanted("step")) step();
    device_->free(pristine_);
    vq_device_close(handle_);
  }

 private:
  // Operands of one op. There are as many sets of them as it takes to exceed the L2 cache.
  class Operands {
   public:
    explicit Operands(Bench& b) : b_(b) {}
    ~Operands() {
      for (void* p : memory_) b_.device_->free(p);
    }
    Operands(const Operands&) = delete;
    Tensor matrix(DType type, int64_t rows, int64_t cols) {
      const size_t bytes = static_cast<size_t>(rows * cols) * size_of(type);
      void* p = b_.device_->alloc(bytes);
      memory_.push_back(p);
      for (size_t at = 0; at < bytes; at += b_.random_.size() * 2) {
        const int64_t n = static_cast<int64_t>(std::min(b_.random_.size() * 2, bytes - at) / 2);
        b_.device_->copy({static_cast<char*>(p) + at, DType::bf16, 1, n, n}, {b_.pristine_, DType::bf16, 1, n, n});
      }
      return {p, type, rows, cols, cols};
    }
    Tensor bf16(int64_t rows, int64_t cols) { return matrix(DType::bf16, rows, cols); }
    Tensor f32(int64_t rows, int64_t cols) { return matrix(DType::f32, rows, cols); }
    float* floats(int64_t n) { return static_cast<float*>(f32(1, n).data); }
    int32_t* ids(int64_t n, int32_t below) {
      std::vector<int32_t> host(static_cast<size_t>(n));
      for (size_t i = 0; i < host.size(); i++) host[i] = static_cast<int32_t>(i * 7919 % static_cast<size_t>(below));
      void* p = b_.device_->alloc(host.size() * 4);
      memory_.push_back(p);
      b_.device_->upload(p, host.data(), host.size() * 4);
      return static_cast<int32_t*>(p);
    }

   private:
    Bench& b_;
    std::vector<void*> memory_;
  };
  using Call = std::function<void()>;
  using Make = std::function<Call(Operands&)>;

  // Seconds of a call. Calls are queued one after the other, so that the time to launch them does not count unless it
  // is longer.
  double time(size_t bytes, const Make& make) {
    const size_t sets = std::clamp<size_t>(cold_ / std::max<size_t>(bytes, 1) + 1, 1, 64);
    Operands operands(*this);
    std::vector<Call> calls;
    for (size_t i = 0; i < sets; i++) calls.push_back(make(operands));
    const auto run = [&](size_t n) {
      device_->synchronize();
      const auto start = std::chrono::steady_clock::now();
      for (size_t i = 0; i < n; i++) calls[i % sets]();
      device_->synchronize();
      return since(start) / static_cast<double>(n);
    };
    if (seconds_ <= 0) return run(1);
    run(1);  // loads the kernel
    const double first = run(2);
    return run(static_cast<size_t>(std::clamp(seconds_ / std::min(first, 1.0), 3.0, 200.0)));
  }

  void ceiling(const char* name, const char* unit, double value) {
    print_line("{\"ceiling\": \"%s\", \"%s\": %.1f}", name, unit, value);
  }
  void ceilings() {
    const int64_t n = cold_ ? 8192 : 64;
    tflops_ = 2e-12 * static_cast<double>(n * n * n) / time(static_cast<size_t>(6 * n * n), [&](Operands& o) {
                const Tensor x = o.bf16(n, n), y = o.bf16(n, n), z = o.bf16(n, n);
                return [=, this] { device_->matmul(z, x, false, y, true, 1, false, DType::bf16); };
              });
    ceiling("bf16 GEMM", "tflops", tflops_);
    const int64_t columns = cold_ ? int64_t{128} << 20 : 1 << 14;
    bandwidth_ = 8e-9 * static_cast<double>(columns) / time(static_cast<size_t>(8 * columns), [&](Operands& o) {
                   const Tensor x = o.f32(1, columns), y = o.f32(1, columns);
                   return [=, this] { device_->copy(y, x); };
                 });
    ceiling("copy", "gb_per_s", bandwidth_);
    double read = 0;
    vq_error err{};
    if (cold_) {
      must(vq_device_measure_bandwidth(handle_, &read, &err), err);
      ceiling("read", "gb_per_s", read / 1e9);
    }
    bandwidth_ = std::max(bandwidth_, read / 1e9);
    if (!device_->capabilities().fp8_gemm) return;
    const vq_model_config c = c_;
    const int64_t k = c.hidden, wide = 2 * c.ffn;
    device_->reserve_cast_workspace(rows_, wide, WeightFormat::fp8_gemm);
    const auto w = weight(wide, k, WeightFormat::fp8_gemm);
    fp8_tflops_ = 2e-12 * static_cast<double>(rows_ * wide * k) / time(static_cast<size_t>(wide * k), [&](Operands& o) {
                    const Tensor x = o.bf16(rows_, k), y = o.bf16(rows_, wide);
                    return [=, this, &w] { device_->linear(y, x, *w, nullptr); };
                  });
    ceiling("fp8 GEMM, operand rounded", "tflops", fp8_tflops_);
  }

  // An op that multiplies.
  void gemm(const char* group, const std::string& name, int count, double flops, size_t bytes, const Make& make) {
    const double s = time(bytes, make), rate = flops / s / 1e12;
    const bool fp8 = format_ == WeightFormat::fp8_gemm && std::string(group) == "base GEMMs";
    const double moved = static_cast<double>(bytes) / s / 1e9;
    print_line(
        "{\"kernel\": \"%s\", \"group\": \"%s\", \"count\": %d, \"us\": %.2f, \"tflops\": %.2f, \"gb_per_s\": %.1f, "
        "\"share\": %.3f}",
        name.c_str(), group, count, s * 1e6, rate, moved,
        std::max(rate / (fp8 ? fp8_tflops_ : tflops_), moved / bandwidth_));
  }
  // An op that is bound by memory.
  void stream(const char* group, const std::string& name, int count, int64_t bytes, const Make& make) {
    const double s = time(static_cast<size_t>(bytes), make), rate = static_cast<double>(bytes) / s / 1e9;
    print_line(
        "{\"kernel\": \"%s\", \"group\": \"%s\", \"count\": %d, \"us\": %.2f, \"gb_per_s\": %.1f, \"share\": %.3f}",
        name.c_str(), group, count, s * 1e6, rate, rate / bandwidth_);
  }

  std::unique_ptr<Weight> weight(int64_t n, int64_t k, WeightFormat format) {
    std::vector<uint16_t> host(static_cast<size_t>(n * k));
    for (size_t i = 0; i < host.size(); i++) host[i] = random_[i % random_.size()];
    const WeightBlock block{host.data(), DType::bf16, n};
    return std::unique_ptr<Weight>(
        device_->make_weight({&block, 1}, k, DType::bf16, use_forward | use_backward | use_copy, format));
  }

  void base_gemms() {
    struct Shape {
      const char* name;
      int64_t n, k;
      bool residual;
    };
    for (const Shape& s : {Shape{"qkv", q_ + 2 * kv_, c_.hidden, false}, Shape{"o", c_.hidden, q_, true},
                           Shape{"gate_up", 2 * c_.ffn, c_.hidden, false}, Shape{"down", c_.hidden, c_.ffn, true}}) {
      const auto w = weight(s.n, s.k, format_);
      const double flops = 2.0 * static_cast<double>(rows_ * s.n * s.k);
      const size_t moved = static_cast<size_t>(2 * s.n * s.k + 2 * rows_ * s.k + (s.residual ? 8 : 2) * rows_ * s.n);
      gemm("base GEMMs", std::string(s.name) + " forward", 1, flops, moved, [&](Operands& o) -> Call {
        const Tensor x = o.bf16(rows_, s.k);
        const Tensor y = o.matrix(s.residual ? DType::f32 : DType::bf16, rows_, s.n);
        const bool residual = s.residual;
        return [=, this, &w] { device_->linear(y, x, *w, residual ? &y : nullptr); };
      });
      gemm("base GEMMs", std::string(s.name) + " backward", 1, flops,
           static_cast<size_t>(2 * (s.n * s.k + rows_ * s.k + rows_ * s.n)), [&](Operands& o) -> Call {
             const Tensor dx = o.bf16(rows_, s.k), dy = o.bf16(rows_, s.n);
             return [=, this, &w] { device_->linear_backward(dx, dy, *w, false); };
           });
    }
  }

  // c = a b with a [m, k] and b [k, n], or transposed, each of which moves its operands once.
  void lora(const std::string& name, int count, DType type, int64_t m, int64_t n, int64_t k, bool transpose_a,
            bool transpose_b, bool accumulate) {
    const int64_t bytes = 2 * (m * k + k * n) + static_cast<int64_t>(size_of(type)) * m * n * (accumulate ? 2 : 1);
    gemm("LoRA GEMMs", name, count, 2.0 * static_cast<double>(m * n * k), static_cast<size_t>(bytes),
         [&](Operands& o) -> Call {
           const Tensor a = transpose_a ? o.bf16(k, m) : o.bf16(m, k), b = transpose_b ? o.bf16(n, k) : o.bf16(k, n);
           const Tensor c = o.matrix(type, m, n);
           return [=, this] { device_->matmul(c, a, transpose_a, b, transpose_b, 1, accumulate, DType::bf16); };
         });
  }
  void lora_gemms() {
    struct Group {
      const char* name;
      int64_t in;
      int parts;  // that share the input
    };
    for (const Group& g :
         {Group{"qkv", c_.hidden, 3}, Group{"o", q_, 1}, Group{"gate_up", c_.hidden, 2}, Group{"down", c_.ffn, 1}}) {
      const std::string name = g.name;
      lora("z = x A^T, " + name, 1, DType::bf16, rows_, g.parts * rank_, g.in, false, true, false);
      lora("dA += dz^T x, " + name, 1, DType::f32, g.parts * rank_, g.in, rows_, true, false, true);
      lora("dx = dz A, " + name, 1, DType::bf16, rows_, g.in, g.parts * rank_, false, false, false);
    }
    struct Part {
      const char* name;
      int64_t out;
      int count;
      DType y;
    };
    for (const Part& p : {Part{"q", q_, 1, DType::bf16}, Part{"k and v", kv_, 2, DType::bf16},
                          Part{"gate and up", c_.ffn, 2, DType::bf16}, Part{"o and down", c_.hidden, 2, DType::f32}}) {
      const std::string name = p.name;
      lora("y += z B^T, " + name, p.count, p.y, rows_, p.out, rank_, false, true, true);
      lora("dB += dy^T z, " + name, p.count, DType::f32, p.out, rank_, rows_, true, false, true);
      lora("dz = dy B, " + name, p.count, DType::bf16, rows_, rank_, p.out, false, false, false);
    }
  }

  void attention() {
    const AttentionSegment segment{0, static_cast<int32_t>(rows_), 0, 1};
    const KeyRange range{0, static_cast<int32_t>(rows_)};
    std::vector<int32_t> visible(static_cast<size_t>(rows_));
    for (size_t i = 0; i < visible.size(); i++) visible[i] = static_cast<int32_t>(i) + 1;
    const AttentionPlan plan{{&segment, 1}, {&range, 1}, visible};
    // Causal: half of the products.
    const double product = static_cast<double>(rows_) * static_cast<double>(rows_) * static_cast<double>(q_);
    const size_t bytes = static_cast<size_t>(2 * rows_ * (2 * q_ + 2 * kv_));
    const auto make = [&](bool backward) {
      return [&, backward](Operands& operands) -> Call {
        const Tensor q = operands.bf16(rows_, q_), k = operands.bf16(rows_, kv_), v = operands.bf16(rows_, kv_);
        const Tensor o = operands.bf16(rows_, q_);
        float* lse = operands.floats(rows_ * c_.heads);
        if (!backward) return [=, this] { device_->attention(o, lse, q, k, v, shape_, plan); };
        device_->attention(o, lse, q, k, v, shape_, plan);
        const Tensor d_o = operands.bf16(rows_, q_), dq = operands.bf16(rows_, q_);
        const Tensor dk = operands.bf16(rows_, kv_), dv = operands.bf16(rows_, kv_);
        return [=, this] { device_->attention_backward(dq, dk, dv, d_o, q, k, v, o, lse, shape_, plan); };
      };
    };
    gemm("attention", "attention forward", 1, 2 * product, bytes, make(false));
    gemm("attention", "attention backward", 1, 5 * product, 2 * bytes, make(true));
  }

  void elementwise() {
    const char* group = "element-wise";
    const int64_t t = rows_, h = c_.hidden, f = c_.ffn;
    const DropoutKey key{1, 2, 0.05f};
    stream(group, "rms_norm with dropout", 2, 8 * t * h, [&](Operands& o) -> Call {
      const Tensor x = o.f32(t, h), y = o.bf16(t, h), dropped = o.bf16(t, h);
      float *w = o.floats(h), *rstd = o.floats(t);
      return [=, this] { device_->rms_norm(y, rstd, x, w, 1e-6f, {dropped, key}); };
    });
    stream(group, "rms_norm for the adapter again", 2, 6 * t * h, [&](Operands& o) -> Call {
      const Tensor x = o.f32(t, h), dropped = o.bf16(t, h);
      float *w = o.floats(h), *rstd = o.floats(t);
      return [=, this] { device_->rms_norm({}, rstd, x, w, 1e-6f, {dropped, key}); };
    });
    stream(group, "rms_norm_backward with dropout and cast", 2, 18 * t * h, [&](Operands& o) -> Call {
      const Tensor x = o.f32(t, h), dx = o.f32(t, h), dy = o.bf16(t, h), part = o.bf16(t, h);
      const Tensor cast = o.bf16(t, h);
      float *w = o.floats(h), *rstd = o.floats(t);
      return [=, this] { device_->rms_norm_backward(dx, dy, x, rstd, w, true, {part, key}, cast); };
    });
    rope("queries", q_);
    rope("keys", kv_);
    stream(group, "swiglu with dropout", 1, 8 * t * f, [&](Operands& o) -> Call {
      const Tensor y = o.bf16(t, f), gate_up = o.bf16(t, 2 * f), dropped = o.bf16(t, f);
      return [=, this] { device_->swiglu(y, gate_up, {dropped, key}); };
    });
    stream(group, "swiglu for the adapter again", 1, 6 * t * f, [&](Operands& o) -> Call {
      const Tensor gate_up = o.bf16(t, 2 * f), dropped = o.bf16(t, f);
      return [=, this] { device_->swiglu({}, gate_up, {dropped, key}); };
    });
    stream(group, "swiglu_backward with dropout", 1, 12 * t * f, [&](Operands& o) -> Call {
      const Tensor dy = o.bf16(t, f), gate_up = o.bf16(t, 2 * f), part = o.bf16(t, f);
      return [=, this] { device_->swiglu_backward(gate_up, dy, gate_up, {part, key}); };
    });
    stream(group, "dropout of attention's result", 2, 4 * t * q_, [&](Operands& o) -> Call {
      const Tensor x = o.bf16(t, q_), y = o.bf16(t, q_);
      return [=, this] { device_->dropout(y, x, key, false); };
    });
    stream(group, "dropout of its gradient, added", 1, 6 * t * q_, [&](Operands& o) -> Call {
      const Tensor x = o.bf16(t, q_), y = o.bf16(t, q_);
      return [=, this] { device_->dropout(y, x, key, true); };
    });
    const int64_t layer = lora_floats();
    stream(group, "cast of a layer's adapter", 2, 6 * layer, [&](Operands& o) -> Call {
      const Tensor x = o.f32(1, layer), y = o.bf16(1, layer);
      return [=, this] { device_->copy(y, x); };
    });
  }

  void rope(const char* name, int64_t cols) {
    const int64_t heads = cols / c_.head_dim;
    const auto make = [&](bool backward) {
      return [&, backward](Operands& o) -> Call {
        const Tensor x = o.bf16(rows_, cols), y = o.bf16(rows_, cols), dx = o.bf16(rows_, cols);
        float *w = o.floats(c_.head_dim), *rstd = o.floats(rows_ * heads), *cos_sin = o.floats(rows_ * c_.head_dim);
        const int32_t* positions = o.ids(rows_, static_cast<int32_t>(rows_));
        const int dim = c_.head_dim;
        if (!backward) return [=, this] { device_->head_norm_rope(y, rstd, x, w, dim, 1e-6f, cos_sin, positions); };
        return [=, this] { device_->head_norm_rope_backward(dx, y, x, rstd, w, dim, cos_sin, positions); };
      };
    };
    stream("element-wise", std::string("head_norm_rope, ") + name, 2, 4 * rows_ * cols, make(false));
    stream("element-wise", std::string("head_norm_rope_backward, ") + name, 1, 6 * rows_ * cols, make(true));
  }

  int64_t lora_floats() const {
    const int64_t h = c_.hidden, f = c_.ffn;
    return rank_ * ((h + q_) + 2 * (h + kv_) + (q_ + h) + 2 * (h + f) + (f + h));
  }

  // Once per step: on all parameters, and the head.
  void step() {
    const char* group = "step";
    const int64_t n = lora_floats() * c_.layers;
    stream(group, "adamw", 0, 28 * n, [&](Operands& o) -> Call {
      float *p = o.floats(n), *m = o.floats(n), *v = o.floats(n), *g = o.floats(n);
      auto* state = reinterpret_cast<GradNormState*>(o.floats(16));
      device_->zero({state, DType::f32, 1, 16, 16});
      return [=, this] { device_->adamw(p, m, v, g, n, {1e-4f, 0.9f, 0.999f, 1e-8f, 0.01f, 1}, state); };
    });
    stream(group, "sum of squares", 0, 4 * n, [&](Operands& o) -> Call {
      float* x = o.floats(n);
      auto* sum = reinterpret_cast<double*>(o.floats(2));
      return [=, this] { device_->accumulate_sum_of_squares(sum, x, n); };
    });
    stream(group, "zeroing the gradient", 0, 4 * n, [&](Operands& o) -> Call {
      const Tensor g = o.f32(1, n);
      return [=, this] { device_->zero(g); };
    });
    const int64_t labels = std::min<int64_t>(40, rows_);
    stream(group, "cross_entropy", 0, 12 * labels * c_.vocab, [&](Operands& o) -> Call {
      const Tensor logits = o.f32(labels, c_.vocab);
      float *loss = o.floats(labels), *weights = o.floats(labels);
      const int32_t* ids = o.ids(labels, c_.vocab);
      return [=, this] { device_->cross_entropy(loss, logits, ids, weights, true); };
    });
    logits(labels);
  }
  void logits(int64_t labels) {
    const int64_t v = c_.vocab, h = c_.hidden;
    gemm("step", "logits", 0, 2.0 * static_cast<double>(labels * v * h),
         static_cast<size_t>(2 * v * h + 4 * labels * v), [&](Operands& o) -> Call {
           const Tensor x = o.bf16(labels, h), w = o.bf16(v, h), y = o.f32(labels, v);
           return [=, this] { device_->matmul(y, x, false, w, true, 1, false, DType::bf16); };
         });
  }

  const vq_model_config c_;
  const WeightFormat format_;
  const int64_t rows_;
  const double seconds_;
  const std::string only_;
  const int64_t rank_;
  int64_t q_ = 0, kv_ = 0;
  AttentionShape shape_{};
  vq_device* handle_ = nullptr;
  Device* device_ = nullptr;
  std::vector<uint16_t> random_;
  void* pristine_ = nullptr;
  size_t cold_ = 0;
  double tflops_ = 0, fp8_tflops_ = 0, bandwidth_ = 0;
};

}  // namespace
}  // namespace vq::bench

int main(int argc, char** argv) {
  const vq::bench::Options options(
      argc, argv, {{"shape", "8b"}, {"weights", "plain"}, {"tokens", "4096"}, {"milliseconds", "20"}, {"only", ""}});
  try {
    vq::bench::Bench(options).run();
  } catch (const std::exception& e) {
    vq::bench::fail(e.what());
  }
  return 0;
}
