// Speed of the ops as JSON lines: {"op", "shape", "threads", "gflops" or "gb_per_s", "share"}; share is of the peak
// measured in the same run, by a loop of multiply-adds in registers or by reading memory.
//
//   vq_bench_ops [threads] [substring of the op's name]
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>

#include "tests/support.h"

namespace vq::test {
namespace {

// With one thread, CPU time is measured rather than wall time: it is less sensitive to load on the machine.
bool count_processor_time = false;

double now() {
  timespec t;
  clock_gettime(count_processor_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double best_seconds(const std::function<void()>& f, double budget = 0.6) {
  f();
  double best = 1e30, spent = 0;
  for (int i = 0; i < 200 && (i < 3 || spent < budget); i++) {
    const double begin = now();
    f();
    const double s = now() - begin;
    best = std::min(best, s);
    spent += s;
  }
  return best;
}

class Bench {
 public:
  Bench(int threads, std::string only)
      : device_(static_cast<cpu::CpuDevice*>(open_cpu(threads))), only_(std::move(only)) {
    device_->reserve_workspace(2048, 6144, 3072, {16, 8, 128, 1});
    threads_ = device_->info().threads;
    isa_ = &cpu::choose_kernels();
    count_processor_time = threads_ == 1;
  }

  void run() {
    measure_peaks();
    for (DType type : {DType::f32, DType::bf16}) {
      gemms(type);
      attention(type);
      decode(type);
      quantized(type);
      elementwise(type);
    }
    optimizer();
    dispatch();
  }

 private:
  struct Memory {
    Memory(cpu::CpuDevice& d, int64_t rows, int64_t cols, DType type)
        : bytes(static_cast<size_t>(rows * cols) * size_of(type)) {
      t = {cpu::allocate(bytes), type, rows, cols, cols};
      // Initialized with numbers of ordinary size: pages never written all share one page of zeros.
      std::vector<float> line(static_cast<size_t>(cols));
      for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < cols; c++)
          line[static_cast<size_t>(c)] = static_cast<float>((r * 31 + c * 17) % 64 - 32) / 32;
        d.copy(t.row_range(r, 1), {line.data(), DType::f32, 1, cols, cols});
      }
    }
    Memory(const Memory&) = delete;
    ~Memory() { cpu::release(t.data); }
    size_t bytes;
    Tensor t;
  };
  std::unique_ptr<Memory> make(int64_t rows, int64_t cols, DType type) {
    return std::make_unique<Memory>(*device_, rows, cols, type);
  }

  bool wanted(const std::string& op) const { return op.find(only_) != std::string::npos; }
  static const char* name(DType t) { return t == DType::f32 ? "f32" : "bf16"; }

  void report(const std::string& op, const std::string& shape, double seconds, double flops, double bytes, DType type) {
    std::printf("{\"op\":\"%s\",\"shape\":\"%s\",\"kernel\":\"%s\",\"threads\":%d,\"us\":%.1f", op.c_str(),
                shape.c_str(), device_->panels(type).name, threads_, seconds * 1e6);
    const double peak = type == DType::bf16 ? peak_bf16_ : peak_f32_;
    if (flops > 0) std::printf(",\"gflops\":%.1f,\"share\":%.3f", flops / seconds / 1e9, flops / seconds / peak);
    if (bytes > 0)
      std::printf(",\"gb_per_s\":%.2f,\"share\":%.3f", bytes / seconds / 1e9, bytes / seconds / bandwidth_);
    std::printf("}\n");
    std::fflush(stdout);
  }

  // The panel kernel on operands in L1: the peak of the units.
  double panel_peak(const cpu::PanelKernel& kernel) {
    const int64_t k = 256, repeats = 3000;
    Pool pool(threads_, 1);
    std::vector<std::unique_ptr<cpu::Buffer>> memory;
    for (int i = 0; i < threads_; i++) {
      memory.push_back(std::make_unique<cpu::Buffer>(size_t{1} << 20));
      std::memset(memory.back()->data(), 0, size_t{1} << 20);
    }
    const double s = best_seconds([&] {
      pool.run(threads_, 1, [&](int64_t i, int) {
        char* m = memory[static_cast<size_t>(i)]->data();
        for (int64_t r = 0; r < repeats; r++)
          kernel.tiles(k, m, 0, 1, m + (256 << 10), reinterpret_cast<float*>(m + (512 << 10)), 0, false, {});
      });
    });
    return 2.0 * static_cast<double>(kernel.mr * kernel.nr * k * repeats * threads_) / s;
  }

  void measure_peaks() {
    // A bare loop of multiply-adds in registers (only on x86 with FMA), otherwise the kernel's.
    peak_f32_ = std::max(bare_multiply_adds(), panel_peak(isa_->f32));
    peak_bf16_ = isa_->bf16.packed == cpu::Elem::bf16 ? panel_peak(isa_->bf16) : peak_f32_;
    const auto big = make(1, int64_t{64} << 20, DType::f32);
    Pool pool(threads_, 1);
    const double s = best_seconds([&] {
      pool.run(64, 1, [&](int64_t i, int) {
        sink_ = isa_->vector.max(static_cast<const float*>(big->t.data) + (i << 20), 1 << 20);
      });
    });
    bandwidth_ = static_cast<double>(big->bytes) / s;
    std::printf(
        "{\"op\":\"peak\",\"cpu\":\"%s\",\"instructions\":\"%s\",\"threads\":%d,\"f32_gflops\":%.1f,\"bf16_gflops\":%."
        "1f,"
        "\"read_gb_per_s\":%.2f}\n",
        device_->info().name.c_str(), isa_->name, threads_, peak_f32_ / 1e9, peak_bf16_ / 1e9, bandwidth_ / 1e9);
  }

#if defined(__x86_64__)
  __attribute__((target("avx2,fma"))) static float fma_loop(int64_t n) {
    typedef float v8f __attribute__((vector_size(32)));
    v8f a[12], x = {}, y = {};
    for (auto& v : a) v = v8f{};
    for (int64_t i = 0; i < n; i++) {
      for (auto& v : a) v = x * y + v;
      asm volatile("" : "+x"(a[0]), "+x"(a[1]), "+x"(a[2]), "+x"(a[3]), "+x"(a[4]), "+x"(a[5]), "+x"(x), "+x"(y));
    }
    float s = 0;
    for (auto& v : a) s += v[0];
    return s;
  }
  double bare_multiply_adds() {
    if (!__builtin_cpu_supports("fma")) return 0;
    const int64_t n = 2000000;
    Pool pool(threads_, 1);
    const double s = best_seconds([&] { pool.run(threads_, 1, [&](int64_t, int) { sink_ = fma_loop(n); }); });
    return static_cast<double>(n * threads_) * 12 * 16 / s;
  }
#else
  double bare_multiply_adds() { return 0; }
#endif

  void gemms(DType type) {
    const int64_t shapes[][3] = {{2048, 2048, 1024}, {2048, 1024, 2048}, {2048, 6144, 1024},
                                 {2048, 1024, 3072}, {1024, 256, 256},   {40, 8192, 1024}};
    for (const auto& [m, n, k] : shapes) {
      const std::string shape = std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
      const auto w_data = make(n, k, DType::bf16), x = make(m, k, type), y = make(m, n, type);
      const WeightBlock block = {w_data->t.data, DType::bf16, n};
      const std::unique_ptr<Weight> w(device_->make_weight({&block, 1}, k, type, use_forward | use_backward));
      const double flops = 2.0 * static_cast<double>(m * n * k);
      const std::string op = std::string("linear ") + name(type);
      if (wanted(op))
        report(op, shape, best_seconds([&] { device_->linear(y->t, x->t, *w, nullptr); }), flops, 0, type);
      const std::string back = std::string("linear_backward ") + name(type);
      if (wanted(back))
        report(back, shape, best_seconds([&] { device_->linear_backward(x->t, y->t, *w, false); }), flops, 0, type);
    }
    // LoRA: down, up, and the gradients of both.
    for (int64_t r : {8, 128}) {
      const int64_t m = 2048, c = 1024;
      const auto x = make(m, c, type), h = make(m, r, type), a = make(r, c, DType::f32), b = make(c, r, DType::f32),
                 y = make(m, c, type);
      const double flops = 2.0 * static_cast<double>(m * r * c);
      const auto lora = [&](const char* which, const std::function<void()>& f) {
        const std::string op = std::string("matmul ") + which + " " + name(type);
        if (wanted(op)) report(op, "2048x1024 r=" + std::to_string(r), best_seconds(f), flops, 0, type);
      };
      lora("x A^T", [&] { device_->matmul(h->t, x->t, false, a->t, true, 1, false, type); });
      lora("h B^T", [&] { device_->matmul(y->t, h->t, false, b->t, true, 1, true, type); });
      lora("dh^T x", [&] { device_->matmul(a->t, h->t, true, x->t, false, 1, true, type); });
      lora("dy^T h", [&] { device_->matmul(b->t, y->t, true, h->t, false, 1, true, type); });
    }
  }

  // Few rows, bound by reading the codes (GB/s of codes) or dequantizing them; and many rows.
  void quantized(DType type) {
    const std::pair<WeightFormat, const char*> formats[] = {
        {WeightFormat::int8, "int8"}, {WeightFormat::fp8, "fp8"}, {WeightFormat::nf4, "nf4"}};
    for (const auto& [format, label] : formats)
      for (int64_t t : {1, 4, 2048}) {
        const int64_t n = t == 2048 ? 6144 : 65536, k = 1024;
        const std::string what = std::string(" ") + label + " " + name(type);
        const std::string op = (t == 2048 ? "linear" : "linear few rows") + what;
        const std::string back = "linear_backward" + what;
        if (!wanted(op) && !wanted(back)) continue;
        const auto data = make(n, k, DType::bf16), x = make(t, k, type), y = make(t, n, DType::f32);
        const WeightBlock block = {data->t.data, DType::bf16, n};
        const std::unique_ptr<Weight> w(device_->make_weight({&block, 1}, k, type, use_decode, format));
        const std::string shape = std::to_string(t) + "x" + std::to_string(n) + "x" + std::to_string(k);
        const bool many = t == 2048;
        const double flops = many ? 2.0 * static_cast<double>(t * n * k) : 0;
        const double bytes = many ? 0 : static_cast<double>(w->bytes.owned);
        if (wanted(op))
          report(op, shape, best_seconds([&] { device_->linear(y->t, x->t, *w, nullptr); }), flops, bytes, type);
        if (many && wanted(back))
          report(back, shape, best_seconds([&] { device_->linear_backward(x->t, y->t, *w, false); }), flops, 0, type);
      }
  }

  void attention(DType type) {
    for (const auto& [heads, kv, dim, t] : {std::array<int, 4>{16, 8, 128, 2048}, {4, 2, 64, 512}}) {
      const AttentionShape shape = {heads, kv, dim, 0.1f};
      const auto q = make(t, heads * dim, type), k = make(t, kv * dim, type), v = make(t, kv * dim, type),
                 o = make(t, heads * dim, type);
      const auto dq = make(t, heads * dim, type), dk = make(t, kv * dim, type), dv = make(t, kv * dim, type),
                 lse = make(t, heads, DType::f32);
      std::vector<int32_t> visible;
      for (int32_t i = 0; i < t; i++) visible.push_back(i + 1);
      const AttentionSegment segment = {0, t, 0, 1};
      const KeyRange range = {0, t};
      const AttentionPlan plan = {{&segment, 1}, {&range, 1}, visible};
      const std::string what = std::to_string(t) + " rows, " + std::to_string(heads) + "/" + std::to_string(kv) +
                               " heads of " + std::to_string(dim);
      const double gemm = 2.0 * heads * dim * t * (t + 1) / 2;  // causal
      const std::string op = std::string("attention ") + name(type);
      float* sums = static_cast<float*>(lse->t.data);
      if (wanted(op))
        report(op, what, best_seconds([&] { device_->attention(o->t, sums, q->t, k->t, v->t, shape, plan); }), 2 * gemm,
               0, type);
      const std::string back = std::string("attention_backward ") + name(type);
      if (wanted(back))
        report(back, what, best_seconds([&] {
                 device_->attention_backward(dq->t, dk->t, dv->t, o->t, q->t, k->t, v->t, o->t, sums, shape, plan);
               }),
               5 * gemm, 0, type);
    }
  }

  void decode(DType type) {
    for (int64_t t : {1, 4, 8}) {
      const int64_t n = 65536, k = 1024;
      const std::string op = std::string("linear few rows ") + name(type);
      if (!wanted(op)) continue;
      const auto data = make(n, k, type), x = make(t, k, type), y = make(t, n, DType::f32);
      const WeightBlock block = {data->t.data, type, n};
      const std::unique_ptr<Weight> w(device_->make_weight({&block, 1}, k, type, use_decode));
      report(op, std::to_string(t) + "x65536x1024", best_seconds([&] { device_->linear(y->t, x->t, *w, nullptr); }), 0,
             static_cast<double>(data->bytes), type);
    }
    const std::string op = std::string("attention one row ") + name(type);
    if (!wanted(op)) return;
    const int32_t keys = 32768;
    const AttentionShape shape = {16, 8, 128, 0.1f};
    const auto q = make(1, 2048, type), k = make(keys, 1024, type), v = make(keys, 1024, type), o = make(1, 2048, type);
    const AttentionSegment segment = {0, 1, 0, 1};
    const KeyRange range = {0, keys};
    const AttentionPlan plan = {{&segment, 1}, {&range, 1}, {&keys, 1}};
    report(op, "32768 keys, 16/8 heads of 128",
           best_seconds([&] { device_->attention(o->t, nullptr, q->t, k->t, v->t, shape, plan); }), 0,
           static_cast<double>(2 * k->bytes), type);
  }

  // Bytes that must cross memory once.
  void elementwise(DType type) {
    const int64_t t = 2048, c = 1024, f = 3072, d = 128;
    const auto x = make(t, c, type), y = make(t, c, type), gate = make(t, 2 * f, type), h = make(t, f, type),
               q = make(t, 2048, type), q2 = make(t, 2048, type);
    const auto w = make(1, c, DType::f32), rstd = make(t, 16, DType::f32), turns = make(t, d, DType::f32);
    std::vector<int32_t> positions;
    for (int32_t i = 0; i < t; i++) positions.push_back(i);
    const auto fl = [](const std::unique_ptr<Memory>& m) { return static_cast<float*>(m->t.data); };
    const auto each = [&](const char* op, double bytes, const std::function<void()>& run) {
      const std::string full = std::string(op) + " " + name(type);
      if (wanted(full)) report(full, "2048 rows", best_seconds(run, 0.3), 0, bytes, type);
    };
    const auto b = [](const std::unique_ptr<Memory>& m) { return static_cast<double>(m->bytes); };
    each("rms_norm", b(x) + b(y), [&] { device_->rms_norm(y->t, fl(rstd), x->t, fl(w), 1e-6f); });
    each("rms_norm_backward", 3 * b(x), [&] { device_->rms_norm_backward(y->t, y->t, x->t, fl(rstd), fl(w), false); });
    each("head_norm_rope", 2 * b(q),
         [&] { device_->head_norm_rope(q2->t, fl(rstd), q->t, fl(w), d, 1e-6f, fl(turns), positions.data()); });
    each("head_norm_rope_backward", 3 * b(q), [&] {
      device_->head_norm_rope_backward(q2->t, q2->t, q->t, fl(rstd), fl(w), d, fl(turns), positions.data());
    });
    each("swiglu", b(gate) + b(h), [&] { device_->swiglu(h->t, gate->t); });
    each("swiglu_backward", 2 * b(gate) + b(h), [&] { device_->swiglu_backward(gate->t, h->t, gate->t); });
    each("dropout", 2 * b(h), [&] { device_->dropout(h->t, h->t, {1, 2, 0.05f}, false); });
    each("add", 3 * b(x), [&] { device_->add(y->t, x->t, y->t); });
  }

  void optimizer() {
    if (!wanted("adamw")) return;
    const int64_t n = 4 << 20;
    const auto p = make(1, n, DType::f32), m = make(1, n, DType::f32), v = make(1, n, DType::f32),
               g = make(1, n, DType::f32);
    const auto f = [](const std::unique_ptr<Memory>& x) { return static_cast<float*>(x->t.data); };
    device_->zero(v->t);
    const GradNormState state{0, 0, 1, 0};
    report("adamw", "4 M", best_seconds([&] {
             device_->adamw(f(p), f(m), f(v), f(g), n, {1e-4f, 0.9f, 0.999f, 1e-8f, 0.01f, 3}, &state);
           }),
           0, 7.0 * static_cast<double>(p->bytes), DType::f32);
  }

  void dispatch() {
    if (!wanted("dispatch")) return;
    Pool pool(threads_, 1);
    const double s = best_seconds([&] {
      for (int i = 0; i < 1000; i++) pool.run(threads_, 1, [](int64_t, int) {});
    });
    report("dispatch", "an empty job", s / 1000, 0, 0, DType::f32);
  }

  std::unique_ptr<cpu::CpuDevice> device_;
  const cpu::IsaKernels* isa_;
  std::string only_;
  int threads_ = 1;
  double peak_f32_ = 1, peak_bf16_ = 1, bandwidth_ = 1;
  volatile float sink_ = 0;
};

}  // namespace
}  // namespace vq::test

int main(int argc, char** argv) {
  vq::test::Bench(argc > 1 ? std::atoi(argv[1]) : 0, argc > 2 ? argv[2] : "").run();
  return 0;
}
