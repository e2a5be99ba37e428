// Compares the ops of a backend library with the CPU's, the specification, at the shapes of a real model: JSON lines.
//
//   vq_check_sizes LIBRARY [shape 8b|0.6b|tiny] [tokens N] [gemm_tokens N] [only opening]
//
// {"check", "error" (|got - want| / |want| in the 2-norm), "limit", "ok"}. The tests of all ops (vq_test_backend) use
// small shapes, which do not reach a second tile of a quantized weight or the ends of a ring of shared memory.
#include <functional>

#include "tests/bench/bench.h"

namespace vq::bench {
namespace {

enum Side { reference, candidate };
constexpr int kLarge = -1;  // random numbers of about 1, where a function is not linear

class Check {
 public:
  explicit Check(const Options& o)
      : c_(shape_named(o.text("shape"))),
        rows_(o.number("tokens", 16)),
        gemm_rows_(o.number("gemm_tokens", 16)),
        cpu_(open_cpu(0)) {
    vq_error err{};
    must(vq_device_open(o.library.c_str(), 0, &handle_, &err), err);
    q_ = c_.heads * c_.head_dim;
    kv_ = c_.kv_heads * c_.head_dim;
    shape_ = {c_.heads, c_.kv_heads, c_.head_dim, 1 / std::sqrt(static_cast<float>(c_.head_dim))};
    for (Device* d : {cpu_.get(), handle_->device.get()}) {
      d->reserve_workspace(rows_, c_.vocab, c_.ffn, shape_);
      if (d->capabilities().fp8_gemm) d->reserve_cast_workspace(gemm_rows_, 2 * c_.ffn, WeightFormat::fp8_gemm);
    }
  }
  ~Check() { vq_device_close(handle_); }
  Check(const Check&) = delete;

  // Whether everything agreed.
  bool run(bool only_opening) {
    vq_device_info info{};
    vq_device_describe(handle_, &info);
    print_line("{\"opened\": %s, \"instructions\": %s}", quoted(info.name).c_str(), quoted(info.instructions).c_str());
    if (only_opening) return true;
    attention();
    for (const auto& [name, format] : formats()) gemms(name, format);
    norms();
    swiglu();
    loss();
    adamw();
    vq_device_describe(handle_, &info);
    print_line("{\"check\": \"GEMMs that are not aligned\", \"error\": %lld, \"limit\": 0, \"ok\": %s}",
               static_cast<long long>(info.unaligned_gemms), info.unaligned_gemms == 0 ? "true" : "false");
    return ok_ && info.unaligned_gemms == 0;
  }

 private:
  Device& device(Side s) { return s == reference ? *cpu_ : *handle_->device; }

  // The same matrix on both devices.
  class Pair {
   public:
    Pair(Check& c, DType type, int64_t rows, int64_t cols, uint32_t seed = 0, int exponent = -7)
        : c_(c), type_(type), rows_(rows), cols_(cols) {
      std::vector<char> host(bytes());
      if (seed) {
        const std::vector<uint16_t> random = random_bf16(std::min<size_t>(host.size() / 2, 1 << 22), seed, exponent);
        for (size_t at = 0; at < host.size(); at += random.size() * 2) {
          std::memcpy(&host[at], random.data(), std::min(random.size() * 2, host.size() - at));
        }
      }
      for (Side s : {reference, candidate}) {
        data_[s] = c_.device(s).alloc(bytes());
        c_.device(s).upload(data_[s], host.data(), bytes());
      }
    }
    ~Pair() {
      for (Side s : {reference, candidate}) c_.device(s).free(data_[s]);
    }
    Pair(const Pair&) = delete;
    Tensor operator[](Side s) const { return {data_[s], type_, rows_, cols_, cols_}; }
    float* floats(Side s) const { return static_cast<float*>(data_[s]); }
    template <class T>
    void upload(const std::vector<T>& values) {
      for (Side s : {reference, candidate}) c_.device(s).upload(data_[s], values.data(), values.size() * sizeof(T));
    }
    // |got - want| / |want|; infinite if an element is not a number.
    double error() const {
      const std::vector<char> want = host(reference), got = host(candidate);
      double difference = 0, length = 0;
      for (int64_t i = 0; i < rows_ * cols_; i++) {
        const double w = element(want, i), d = element(got, i) - w;
        difference += d * d;
        length += w * w;
      }
      const double relative = std::sqrt(difference / length);
      return std::isfinite(relative) ? relative : 1e30;
    }

   private:
    size_t bytes() const { return static_cast<size_t>(rows_ * cols_) * size_of(type_); }
    std::vector<char> host(Side s) const {
      std::vector<char> all(bytes());
      c_.device(s).download(all.data(), data_[s], all.size());
      return all;
    }
    double element(const std::vector<char>& all, int64_t i) const {
      uint32_t bits = 0;
      if (type_ == DType::f32) {
        std::memcpy(&bits, &all[static_cast<size_t>(i) * 4], 4);
      } else {
        uint16_t half;
        std::memcpy(&half, &all[static_cast<size_t>(i) * 2], 2);
        bits = static_cast<uint32_t>(half) << 16;
      }
      float value;
      std::memcpy(&value, &bits, 4);
      return value;
    }
    Check& c_;
    DType type_;
    int64_t rows_, cols_;
    void* data_[2];
  };

  template <class Body>
  void on_both(Body body) {
    for (Side s : {candidate, reference}) body(device(s), s);  // the GPU computes while the CPU does
  }

  void report(const std::string& what, const Pair& result, double limit) {
    const double error = result.error();
    const bool ok = error <= limit;
    ok_ = ok_ && ok;
    print_line("{\"check\": %s, \"error\": %.3g, \"limit\": %.3g, \"ok\": %s}", quoted(what).c_str(), error, limit,
               ok ? "true" : "false");
  }

  // Both round the probabilities to bf16 before they multiply values.
  void attention() {
    constexpr double kLimit = 0.01, kBackward = 0.02;
    const AttentionSegment segment{0, static_cast<int32_t>(rows_), 0, 1};
    const KeyRange range{0, static_cast<int32_t>(rows_)};
    std::vector<int32_t> visible(static_cast<size_t>(rows_));
    for (size_t i = 0; i < visible.size(); i++) visible[i] = static_cast<int32_t>(i) + 1;
    const AttentionPlan plan{{&segment, 1}, {&range, 1}, visible};
    const Pair q(*this, DType::bf16, rows_, q_, 3, kLarge), k(*this, DType::bf16, rows_, kv_, 4, kLarge),
        v(*this, DType::bf16, rows_, kv_, 5);
    const Pair d_o(*this, DType::bf16, rows_, q_, 6), o(*this, DType::bf16, rows_, q_),
        lse(*this, DType::f32, rows_, c_.heads);
    const Pair dq(*this, DType::bf16, rows_, q_), dk(*this, DType::bf16, rows_, kv_),
        dv(*this, DType::bf16, rows_, kv_);
    on_both([&](Device& d, Side s) {
      d.attention(o[s], lse.floats(s), q[s], k[s], v[s], shape_, plan);
      d.attention_backward(dq[s], dk[s], dv[s], d_o[s], q[s], k[s], v[s], o[s], lse.floats(s), shape_, plan);
    });
    const std::string size = " of attention, " + std::to_string(rows_) + " tokens";
    report("o" + size, o, kLimit);
    report("lse" + size, lse, 1e-4);
    report("dq" + size, dq, kBackward);
    report("dk" + size, dk, kBackward);
    report("dv" + size, dv, kBackward);
  }

  // The largest of each kind: the widest result, and the widest sum.
  void gemms(const std::string& name, WeightFormat format) {
    if (format == WeightFormat::fp8_gemm && !device(candidate).capabilities().fp8_gemm) return;
    // One rounding of the result; for codes also one of each dequantized value, and for fp8 products short sums.
    const double limit = format == WeightFormat::plain ? 0.004 : format == WeightFormat::fp8_gemm ? 0.02 : 0.006;
    for (const auto& [matrix, n, k] : {std::tuple<const char*, int64_t, int64_t>{"qkv", q_ + 2 * kv_, c_.hidden},
                                       {"gate_up", 2 * c_.ffn, c_.hidden},
                                       {"down", c_.hidden, c_.ffn}}) {
      std::vector<uint16_t> host = random_bf16(static_cast<size_t>(n * k), 7);
      const WeightBlock block{host.data(), DType::bf16, n};
      std::unique_ptr<Weight> w[2];
      for (Side s : {reference, candidate}) {
        w[s].reset(device(s).make_weight({&block, 1}, k, DType::bf16, use_forward | use_backward | use_copy, format));
      }
      const Pair x(*this, DType::bf16, gemm_rows_, k, 8), y(*this, DType::bf16, gemm_rows_, n);
      const Pair dy(*this, DType::bf16, gemm_rows_, n, 9), dx(*this, DType::bf16, gemm_rows_, k);
      on_both([&](Device& d, Side s) {
        d.linear(y[s], x[s], *w[s], nullptr);
        d.linear_backward(dx[s], dy[s], *w[s], false);
      });
      report(std::string("x W^T, ") + matrix + ", " + name, y, limit);
      report(std::string("dy W, ") + matrix + ", " + name, dx, limit);
    }
  }

  void norms() {
    const int64_t t = rows_, h = c_.hidden;
    const DropoutKey key{1, 2, 0.05f};
    const Pair x(*this, DType::f32, t, h, 10), w(*this, DType::f32, 1, h, 11), rstd(*this, DType::f32, 1, t);
    const Pair y(*this, DType::bf16, t, h), dropped(*this, DType::bf16, t, h);
    const Pair dy(*this, DType::bf16, t, h, 12), part(*this, DType::bf16, t, h, 13), dx(*this, DType::f32, t, h, 14);
    on_both([&](Device& d, Side s) {
      d.rms_norm(y[s], rstd.floats(s), x[s], w.floats(s), 1e-6f, {dropped[s], key});
      d.rms_norm_backward(dx[s], dy[s], x[s], rstd.floats(s), w.floats(s), true, {part[s], key});
    });
    report("rms_norm", y, 0.002);
    report("rms_norm, dropout", dropped, 0.002);
    report("rms_norm_backward", dx, 0.002);

    const Pair heads(*this, DType::bf16, t, q_, 15), head_w(*this, DType::f32, 1, c_.head_dim, 16);
    const Pair head_rstd(*this, DType::f32, t, c_.heads), rotated(*this, DType::bf16, t, q_),
        d_heads(*this, DType::bf16, t, q_);
    const Pair cos_sin(*this, DType::f32, t, c_.head_dim, 17), d_rotated(*this, DType::bf16, t, q_, 18);
    Pair positions(*this, DType::f32, 1, t);
    std::vector<int32_t> places(static_cast<size_t>(t));
    for (size_t i = 0; i < places.size(); i++) places[i] = static_cast<int32_t>(i);
    positions.upload(places);
    on_both([&](Device& d, Side s) {
      const auto* at = reinterpret_cast<const int32_t*>(positions.floats(s));
      d.head_norm_rope(rotated[s], head_rstd.floats(s), heads[s], head_w.floats(s), c_.head_dim, 1e-6f,
                       cos_sin.floats(s), at);
      d.head_norm_rope_backward(d_heads[s], d_rotated[s], heads[s], head_rstd.floats(s), head_w.floats(s), c_.head_dim,
                                cos_sin.floats(s), at);
    });
    report("head_norm_rope", rotated, 0.002);
    report("head_norm_rope_backward", d_heads, 0.002);
  }

  void swiglu() {
    const int64_t t = rows_, f = c_.ffn;
    const DropoutKey key{1, 3, 0.05f};
    const Pair gate_up(*this, DType::bf16, t, 2 * f, 19, kLarge), y(*this, DType::bf16, t, f),
        dropped(*this, DType::bf16, t, f);
    const Pair dy(*this, DType::bf16, t, f, 20), part(*this, DType::bf16, t, f, 21),
        d_gate_up(*this, DType::bf16, t, 2 * f);
    on_both([&](Device& d, Side s) {
      d.swiglu(y[s], gate_up[s], {dropped[s], key});
      d.swiglu_backward(d_gate_up[s], dy[s], gate_up[s], {part[s], key});
    });
    report("swiglu", y, 0.002);
    report("swiglu, dropout", dropped, 0.002);
    report("swiglu_backward", d_gate_up, 0.004);
  }

  void loss() {
    const int64_t labels = std::min<int64_t>(40, rows_);
    const Pair logits(*this, DType::f32, labels, c_.vocab, 22, kLarge), losses(*this, DType::f32, 1, labels),
        weights(*this, DType::f32, 1, labels, 23);
    Pair ids(*this, DType::f32, 1, labels);
    std::vector<int32_t> label(static_cast<size_t>(labels));
    for (size_t i = 0; i < label.size(); i++)
      label[i] = static_cast<int32_t>(i * 104729 % static_cast<size_t>(c_.vocab));
    ids.upload(label);
    on_both([&](Device& d, Side s) {
      d.cross_entropy(losses.floats(s), logits[s], reinterpret_cast<const int32_t*>(ids.floats(s)), weights.floats(s),
                      true);
    });
    report("cross_entropy", losses, 1e-4);
    report("cross_entropy, gradient", logits, 1e-4);
  }

  void adamw() {
    const int64_t n = rows_ * c_.hidden;
    const Pair p(*this, DType::f32, 1, n, 24), m(*this, DType::f32, 1, n, 25), v(*this, DType::f32, 1, n),
        g(*this, DType::f32, 1, n, 26);
    const Pair state(*this, DType::f32, 1, sizeof(GradNormState) / sizeof(float));
    const Pair scale(*this, DType::f32, 1, 1);
    on_both([&](Device& d, Side s) {
      auto* sums = reinterpret_cast<GradNormState*>(state.floats(s));
      d.accumulate_sum_of_squares(&sums->squares, g.floats(s), n);
      d.finish_grad_norm(sums, 40, 1);
      d.adamw(p.floats(s), m.floats(s), v.floats(s), g.floats(s), n, {1e-3f, 0.9f, 0.999f, 1e-8f, 0.01f, 1}, sums);
      d.copy(scale[s], {&sums->gradient_scale, DType::f32, 1, 1, 1});
    });
    report("gradient norm", scale, 1e-5);
    report("adamw", p, 1e-5);
  }

  const vq_model_config c_;
  const int64_t rows_, gemm_rows_;
  const std::unique_ptr<Device> cpu_;
  vq_device* handle_ = nullptr;
  int64_t q_ = 0, kv_ = 0;
  AttentionShape shape_{};
  bool ok_ = true;
};

}  // namespace
}  // namespace vq::bench

int main(int argc, char** argv) {
  const vq::bench::Options options(argc, argv,
                                   {{"shape", "8b"}, {"tokens", "4096"}, {"gemm_tokens", "128"}, {"only", ""}});
  bool ok = false;
  try {
    ok = vq::bench::Check(options).run(options.text("only") == "opening");
  } catch (const std::exception& e) {
    vq::bench::fail(e.what());
  }
  return ok ? 0 : 1;
}
