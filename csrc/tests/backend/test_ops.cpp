// Every op of the CUDA device but attention (test_cuda_attention.cpp) against its CPU twin: shapes that are 1, odd,
// wide enough for the kernels' units of 8 elements and not, longer than a block; strided views.
#include "tests/backend/device_pair.h"

namespace vq::test {
namespace {

constexpr DType kTypes[] = {DType::f32, DType::bf16};

struct Size {
  int64_t rows, cols, pad;
};
constexpr Size kSizes[] = {{1, 1, 0}, {1, 8, 8}, {3, 7, 1}, {2, 33, 0}, {5, 64, 16}, {2, 264, 3}, {1, 4104, 0}};

std::string name_of(const Size& s) {
  return std::to_string(s.rows) + "x" + std::to_string(s.cols) + "+" + std::to_string(s.pad);
}

// body(size, types, name) for every size and both types of two operands.
template <class Body>
void each_case(Body body) {
  for (const Size& s : kSizes)
    for (DType a : kTypes)
      for (DType b : kTypes) body(s, a, b, name_of(s) + test::name_of(a) + test::name_of(b));
}

TEST(CudaOps, RmsNorm) {
  each_case([](const Size& s, DType in, DType out, const std::string& what) {
    PairMatrix x(s.rows, s.cols, in, s.pad, 1), w(1, s.cols, DType::f32, 0, 2), y(s.rows, s.cols, out, s.pad, 3);
    PairArray<float> rstd(std::vector<float>(static_cast<size_t>(s.rows)));
    on_both([&](Device& d, Side side) {
      d.rms_norm(y[side], rstd[side], x[side], static_cast<const float*>(w[side].data), 1e-6f);
    });
    expect_agree(y, "rms_norm " + what);
    expect_agree(rstd, tolerance_of(DType::f32), "rstd " + what);
  });
}

TEST(CudaOps, RmsNormBackward) {
  each_case([](const Size& s, DType in, DType out, const std::string& what) {
    PairMatrix x(s.rows, s.cols, in, s.pad, 1), w(1, s.cols, DType::f32, 0, 2), dy(s.rows, s.cols, out, s.pad, 3),
        dx(s.rows, s.cols, DType::f32, s.pad, 4), y(s.rows, s.cols, DType::f32, 0, 5);
    PairArray<float> rstd(std::vector<float>(static_cast<size_t>(s.rows)));
    on_both([&](Device& d, Side side) {
      const auto* weight = static_cast<const float*>(w[side].data);
      d.rms_norm(y[side], rstd[side], x[side], weight, 1e-6f);
      d.rms_norm_backward(dx[side], dy[side], x[side], rstd[side], weight, true);
      d.rms_norm_backward(dy[side], dy[side], x[side], rstd[side], weight, false);
    });
    // Where a row has one element its gradient is the difference of two equal terms.
    const double units = s.cols == 1 ? 1e4 : 32;
    expect_agree(dx, tolerance_of(DType::f32, units), "accumulated " + what);
    if (s.cols > 1) expect_agree(dy, tolerance_of(out, 32), "in place " + what);
  });
}

struct Heads {
  int64_t rows, heads;
  int dim;
  int64_t pad;
};

TEST(CudaOps, HeadNormRopeAndItsBackward) {
  for (const Heads& h : {Heads{1, 1, 2, 0}, Heads{3, 7, 6, 1}, Heads{2, 3, 16, 0}, Heads{5, 1, 66, 2},
                         Heads{3, 2, 128, 8}, Heads{1, 5, 256, 0}})
    for (DType in : kTypes)
      for (DType out : kTypes) {
        const int64_t cols = h.heads * h.dim;
        const std::string what = std::to_string(h.rows) + " rows of " + std::to_string(h.heads) + " heads of " +
                                 std::to_string(h.dim) + test::name_of(in) + test::name_of(out);
        PairMatrix x(h.rows, cols, in, h.pad, 1), w(1, h.dim, DType::f32, 0, 2), y(h.rows, cols, out, h.pad, 3),
            dy(h.rows, cols, out, h.pad, 4), dx(h.rows, cols, in, h.pad, 5), turns(11, h.dim, DType::f32, 0, 6);
        PairArray<float> rstd(std::vector<float>(static_cast<size_t>(h.rows * h.heads)));
        const std::vector<int32_t> places = {10, 0, 3, 3, 7};
        PairArray<int32_t> positions({places.begin(), places.begin() + h.rows});
        on_both([&](Device& d, Side side) {
          const auto *weight = static_cast<const float*>(w[side].data),
                     *t = static_cast<const float*>(turns[side].data);
          d.head_norm_rope(y[side], rstd[side], x[side], weight, h.dim, 1e-6f, t, positions[side]);
          d.head_norm_rope_backward(dx[side], dy[side], x[side], rstd[side], weight, h.dim, t, positions[side]);
          d.head_norm_rope_backward(dy[side], dy[side], x[side], rstd[side], weight, h.dim, t, positions[side]);
        });
        expect_agree(y, "head_norm_rope " + what);
        expect_agree(rstd, tolerance_of(DType::f32), "rstd " + what);
        expect_agree(dx, tolerance_of(in, 64), "backward " + what);
        expect_agree(dy, tolerance_of(out, 64), "backward in place " + what);
      }
}

TEST(CudaOps, SwigluAndItsBackward) {
  each_case([](const Size& s, DType in, DType out, const std::string& what) {
    PairMatrix gate_up(s.rows, 2 * s.cols, in, s.pad, 1, 3), y(s.rows, s.cols, out, s.pad, 2),
        dy(s.rows, s.cols, out, s.pad, 3), d(s.rows, 2 * s.cols, in, s.pad, 4);
    on_both([&](Device& device, Side side) {
      device.swiglu(y[side], gate_up[side]);
      device.swiglu_backward(d[side], dy[side], gate_up[side]);
      device.swiglu_backward(gate_up[side], dy[side], gate_up[side]);
    });
    expect_agree(y, "swiglu " + what);
    expect_agree(d, "backward " + what);
    expect_agree(gate_up, "backward in place " + what);
  });
}

TEST(CudaOps, DropoutDrawsTheSameMask) {
  each_case([](const Size& s, DType in, DType out, const std::string& what) {
    for (float p : {0.0f, 0.05f, 0.5f, 0.999f})
      for (bool accumulate : {false, true}) {
        PairMatrix x(s.rows, s.cols, in, s.pad, 1), y(s.rows, s.cols, out, s.pad, 2);
        on_both([&](Device& d, Side side) { d.dropout(y[side], x[side], {77, 3, p}, accumulate); });
        const std::string name = what + " p " + std::to_string(p);
        if (accumulate) {
          expect_agree(y, name);
        } else {
          expect_equal(y, name);
        }
      }
  });
}

// Dropout as a part of the op before it is dropout after it: on the CPU to the last bit, and on the card as on the CPU.
TEST(CudaOps, DropoutInsideOfNormAndSwiglu) {
  const DropoutKey key = {77, 3, 0.3f};
  each_case([&](const Size& s, DType in, DType out, const std::string& what) {
    PairMatrix x(s.rows, s.cols, in, s.pad, 1), w(1, s.cols, DType::f32, 0, 2),
        gate_up(s.rows, 2 * s.cols, in, s.pad, 3), y(s.rows, s.cols, out, s.pad, 4),
        masked(s.rows, s.cols, out, s.pad, 5), alone(s.rows, s.cols, out, s.pad, 6), h(s.rows, s.cols, out, s.pad, 7),
        h_masked(s.rows, s.cols, out, 0, 8), h_alone(s.rows, s.cols, out, s.pad, 9),
        after(s.rows, s.cols, out, s.pad, 5), h_after(s.rows, s.cols, out, 0, 8);
    PairArray<float> rstd(std::vector<float>(static_cast<size_t>(s.rows)));
    on_both([&](Device& d, Side side) {
      const auto* weight = static_cast<const float*>(w[side].data);
      d.rms_norm({}, rstd[side], x[side], weight, 1e-6f, {alone[side], key});
      d.rms_norm(y[side], rstd[side], x[side], weight, 1e-6f, {masked[side], key});
      d.dropout(after[side], y[side], key, false);
      d.swiglu({}, gate_up[side], {h_alone[side], key});
      d.swiglu(h[side], gate_up[side], {h_masked[side], key});
      d.dropout(h_after[side], h[side], key, false);
    });
    EXPECT_EQ(masked.result(reference).raw(), after.result(reference).raw()) << what;
    EXPECT_EQ(h_masked.result(reference).raw(), h_after.result(reference).raw()) << what;
    expect_agree(y, "norm " + what);
    expect_agree(masked, "norm, masked " + what);
    expect_agree(alone, "norm, masked alone " + what);
    expect_agree(h, "swiglu " + what);
    expect_agree(h_masked, "swiglu, masked " + what);
    expect_agree(h_alone, "swiglu, masked alone " + what);
  });
}

TEST(CudaOps, DropoutInsideOfBackwardPasses) {
  const DropoutKey key = {78, 4, 0.3f};
  each_case([&](const Size& s, DType in, DType out, const std::string& what) {
    if (s.cols == 1) return;  // the gradient is the difference of two equal terms
    PairMatrix x(s.rows, s.cols, in, s.pad, 1), w(1, s.cols, DType::f32, 0, 2),
        gate_up(s.rows, 2 * s.cols, in, s.pad, 3), more(s.rows, s.cols, out, s.pad, 4),
        dy(s.rows, s.cols, out, s.pad, 5), dy2(s.rows, s.cols, out, s.pad, 5), dh(s.rows, s.cols, out, s.pad, 6),
        dh2(s.rows, s.cols, out, s.pad, 6), dx(s.rows, s.cols, DType::f32, s.pad, 7),
        dx2(s.rows, s.cols, DType::f32, s.pad, 7), d(s.rows, 2 * s.cols, in, s.pad, 8),
        d2(s.rows, 2 * s.cols, in, s.pad, 8);
    PairArray<float> rstd(std::vector<float>(static_cast<size_t>(s.rows)));
    on_both([&](Device& device, Side side) {
      const auto* weight = static_cast<const float*>(w[side].data);
      device.rms_norm({}, rstd[side], x[side], weight, 1e-6f, {dy2[side], key});  // for rstd
      device.copy(dy2[side], dy[side]);
      device.rms_norm_backward(dx[side], dy[side], x[side], rstd[side], weight, true, {more[side], key});
      device.swiglu_backward(d[side], dh[side], gate_up[side], {more[side], key});
      // The same one after the other.
      device.dropout(dy2[side], more[side], key, true);
      device.rms_norm_backward(dx2[side], dy2[side], x[side], rstd[side], weight, true);
      device.dropout(dh2[side], more[side], key, true);
      device.swiglu_backward(d2[side], dh2[side], gate_up[side]);
    });
    EXPECT_EQ(dx.result(reference).raw(), dx2.result(reference).raw()) << what;
    EXPECT_EQ(d.result(reference).raw(), d2.result(reference).raw()) << what;
    // A sum that rounds to either side of a bf16 moves the gradients after it by as much.
    const Tolerance within = out == DType::bf16 ? Tolerance{kUnitBf16, 2 * kUnitBf16} : tolerance_of(DType::f32, 64);
    expect_agree(dx, within, "norm " + what);
    expect_agree(d, out == DType::bf16 || in == DType::bf16 ? Tolerance{kUnitBf16, 2 * kUnitBf16} : within,
                 "swiglu " + what);
  });
}

TEST(CudaOps, AddCopyAndZero) {
  each_case([](const Size& s, DType in, DType out, const std::string& what) {
    PairMatrix a(s.rows, s.cols, in, s.pad, 1), b(s.rows, s.cols, out, s.pad, 2), y(s.rows, s.cols, out, s.pad, 3),
        copied(s.rows, s.cols, out, s.pad, 4), zeroed(s.rows, s.cols, out, s.pad, 5);
    on_both([&](Device& d, Side side) {
      d.add(y[side], a[side], b[side]);
      d.add(b[side], a[side], b[side]);
      d.copy(copied[side], a[side]);
      d.zero(zeroed[side]);
    });
    expect_equal(y, "add " + what);
    expect_equal(b, "add in place " + what);
    expect_equal(copied, "copy " + what);
    expect_equal(zeroed, "zero " + what);
  });
}

TEST(CudaOps, GatherAndScatter) {
  each_case([](const Size& s, DType in, DType out, const std::string& what) {
    const int64_t all = 2 * s.rows + 1;
    std::vector<int32_t> indices;
    for (int64_t i = 0; i < s.rows; i++) indices.push_back(static_cast<int32_t>(all - 1 - 2 * i));
    PairArray<int32_t> rows(indices);
    PairMatrix x(all, s.cols, in, s.pad, 1), y(s.rows, s.cols, out, s.pad, 2), sum(all, s.cols, in, s.pad, 3),
        to(all, s.cols, in, s.pad, 4);
    on_both([&](Device& d, Side side) {
      d.gather_rows(y[side], x[side], rows[side]);
      d.scatter_add_rows(sum[side], y[side], rows[side]);
      d.scatter_rows(to[side], y[side], rows[side]);
    });
    expect_equal(y, "gather " + what);
    expect_equal(to, "scatter " + what);
    expect_equal(sum, "scatter and add " + what);
  });
}

TEST(CudaOps, CrossEntropyAndScores) {
  for (const Size& s : {Size{1, 1, 0}, Size{3, 5, 0}, Size{2, 33, 3}, Size{4, 257, 0}, Size{1, 3000, 0}}) {
    const std::string what = name_of(s);
    std::vector<int32_t> label;
    std::vector<float> weight;
    for (int64_t i = 0; i < s.rows; i++) {
      label.push_back(static_cast<int32_t>(i == 0 ? s.cols - 1 : i * 7 % s.cols));
      weight.push_back(0.5f + static_cast<float>(i));
    }
    Matrix values(s.rows, s.cols, DType::f32, s.pad);
    values.fill(1, 4);
    // The largest twice: its first place counts. Some that are no candidates at all.
    for (int64_t r = 0; r < s.rows; r++) {
      values.set(r, s.cols / 2, 20);
      values.set(r, s.cols - 1, 20);
      if (s.cols > 4) values.set(r, 0, -INFINITY);
    }
    PairMatrix logits(values);
    PairArray<int32_t> labels(label), argmax(std::vector<int32_t>(label.size()));
    PairArray<float> weights(weight), loss(weight), evaluated(weight), log_prob(weight);
    on_both([&](Device& d, Side side) {
      d.score_rows(log_prob[side], argmax[side], logits[side], labels[side]);
      d.cross_entropy(evaluated[side], logits[side], labels[side], weights[side], false);
      d.cross_entropy(loss[side], logits[side], labels[side], weights[side], true);
    });
    const Tolerance within = {256 * kUnit32, 1024 * kUnit32};
    expect_equal(argmax, "argmax " + what);
    if (s.cols > 1) {
      expect_agree(loss, within, "loss " + what);
      expect_agree(evaluated, within, "loss alone " + what);
      expect_agree(log_prob, within, "log_prob " + what);
    }
    expect_agree(logits, within, "gradient " + what);
  }
}

TEST(CudaOps, CrossEntropyOfNanIsNan) {
  Matrix values(1, 40);
  values.fill(1).set(0, 33, NAN);
  PairMatrix logits(values);
  PairArray<int32_t> labels({2});
  PairArray<float> weights({1}), loss({0});
  on_both([&](Device& d, Side side) { d.cross_entropy(loss[side], logits[side], labels[side], weights[side], false); });
  EXPECT_TRUE(std::isnan(loss.values(candidate)[0]));
}

TEST(CudaOps, ChoosesWhatMayBeDrawn) {
  for (int64_t vocab : {1, 31, 32, 33, 700, 4100})
    for (int kind = 0; kind < 6; kind++) {
      constexpr int64_t kRows = 3;
      constexpr int32_t kMost = 20;
      const int64_t words = (vocab + 31) / 32;
      Matrix values(kRows, vocab, DType::f32, kind % 2);
      values.fill(static_cast<uint32_t>(kind + 1), 4);
      if (kind == 4) values.set(0, 0, NAN);
      if (kind == 4) values.set(1, vocab - 1, INFINITY);
      if (kind == 5) {
        for (int64_t i = 0; i < vocab; i++) values.set(2, i, i % 2 ? NAN : -INFINITY);
      }
      PairMatrix logits(values);
      std::vector<uint32_t> mask(static_cast<size_t>(kRows * words));
      for (size_t i = 0; i < mask.size(); i++) {
        mask[i] = kind == 0 ? 0 : kind == 1 ? 0xffffffff : static_cast<uint32_t>(i * 2654435761u) >> (kind * 3);
      }
      PairArray<uint32_t> allowed(mask);
      PairArray<double> below({0, -3.5, -1e9});
      PairArray<Candidate> out(std::vector<Candidate>(kRows * (kMost + 1), Candidate{-7, 7}));
      on_both([&](Device& d, Side side) {
        d.select_candidates(out[side], kMost, logits[side], kind == 5 ? nullptr : allowed[side], below[side]);
      });
      const std::string what = std::to_string(vocab) + " tokens, kind " + std::to_string(kind);
      const std::vector<Candidate> cpu = out.values(reference), cuda = out.values(candidate);
      for (size_t i = 0; i < cpu.size(); i++) {
        EXPECT_EQ(cpu[i].id, cuda[i].id) << what << " at " << i;
        EXPECT_EQ(cpu[i].logit, cuda[i].logit) << what << " at " << i;
      }
    }
}

TEST(CudaOps, SumOfSquares) {
  for (int64_t n : {0, 1, 31, 1024, 1025, 5000}) {
    PairMatrix x(1, std::max<int64_t>(n, 1), DType::f32, 0, 1, 1e3);
    PairArray<double> sum({0.25});
    on_both([&](Device& d, Side side) {
      d.accumulate_sum_of_squares(sum[side], static_cast<const float*>(x[side].data), n);
      d.accumulate_sum_of_squares(sum[side], static_cast<const float*>(x[side].data), n);
    });
    expect_agree(sum, {1e-14, 1e-14}, std::to_string(n));
  }
}

TEST(CudaOps, AdamWOverSteps) {
  for (int64_t n : {1, 7, 300}) {
    PairMatrix p(1, n, DType::f32, 0, 1), m(1, n, DType::f32, 0, 2, 0), v(1, n, DType::f32, 0, 3, 0),
        g(1, n, DType::f32, 0, 4);
    PairArray<GradNormState> state({{0, 0, 0.25f, 0}}), refused({{0, 0, 0.25f, 1}});
    on_both([&](Device& d, Side side) {
      const auto floats = [&](PairMatrix& t) { return static_cast<float*>(t[side].data); };
      for (int64_t step = 1; step <= 3; step++) {
        d.adamw(floats(p), floats(m), floats(v), floats(g), n, {1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, step}, state[side]);
      }
      d.adamw(floats(p), floats(m), floats(v), floats(g), n, {1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, 4}, refused[side]);
    });
    expect_agree(p, "parameters " + std::to_string(n));
    expect_agree(m, "first moments " + std::to_string(n));
    expect_agree(v, "second moments " + std::to_string(n));
  }
}

TEST(CudaOps, JudgesAStep) {
  for (double loss : {0.0, 1e300, static_cast<double>(INFINITY), static_cast<double>(NAN)})
    for (double squares : {0.0, 1e-300, 64.0, static_cast<double>(INFINITY), static_cast<double>(NAN)})
      for (double most : {0.0, 1e-3, 1.0, 1e6}) {
        PairArray<GradNormState> state({{loss, squares, -1, -1}});
        on_both([&](Device& d, Side side) { d.finish_grad_norm(state[side], 3, most); });
        const GradNormState cpu = state.values(reference)[0], cuda = state.values(candidate)[0];
        EXPECT_EQ(cpu.not_finite, cuda.not_finite);
        if (cpu.not_finite) continue;
        EXPECT_EQ(cpu.gradient_scale, cuda.gradient_scale) << squares << " " << most;
      }
}

TEST(CudaOps, SumOfLosses) {
  for (int64_t n : {0, 1, 31, 300}) {
    PairMatrix x(1, std::max<int64_t>(n, 1), DType::f32, 0, 1, 1e3);
    PairArray<double> sum({0.25});
    on_both([&](Device& d, Side side) { d.accumulate_sum(sum[side], static_cast<const float*>(x[side].data), n); });
    expect_agree(sum, {1e-12, 1e-12}, std::to_string(n));
  }
}

struct Multiplied {
  int64_t m, n, k;
};
constexpr Multiplied kGemms[] = {{1, 1, 1}, {1, 40, 24}, {7, 5, 9}, {3, 130, 33}, {20, 17, 64}};

// Of bf16 operands the CPU may sum in another order, and round a product's operands once more when they are sums.
Tolerance gemm_tolerance(DType result, int64_t k) {
  if (result == DType::bf16) return {kUnitBf16, 1.5 * kUnitBf16};
  return {static_cast<double>(8 + k) * kUnit32, static_cast<double>(32 + 4 * k) * kUnit32};
}

TEST(CudaOps, LinearAndItsBackward) {
  for (const Multiplied& s : kGemms)
    for (DType compute : kTypes)
      for (DType result : kTypes) {
        if (compute == DType::f32 && result == DType::bf16) continue;
        const std::string what = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
                                 test::name_of(compute) + test::name_of(result);
        // Stacked of two blocks of different types, of which neither is the products' own.
        const int64_t first = s.n / 3;
        Matrix upper(first, s.k, DType::f32), lower(s.n - first, s.k, DType::f16);
        upper.fill(1);
        lower.fill(2);
        std::vector<WeightBlock> blocks;
        if (first > 0) blocks.push_back({upper.tensor().data, DType::f32, first});
        blocks.push_back({lower.tensor().data, DType::f16, s.n - first});
        PairMatrix x(s.m, s.k, compute, 3, 3), y(s.m, s.n, result, 1, 4), add(s.m, s.n, result, 2, 5),
            sum(s.m, s.n, result, 0, 6), dx(s.m, s.k, result, 2, 7), dy(s.m, s.n, compute, 1, 8),
            dx_sum(s.m, s.k, result, 2, 9);
        on_both([&](Device& d, Side side) {
          const std::unique_ptr<Weight> w(d.make_weight(blocks, s.k, compute, use_forward | use_backward));
          EXPECT_EQ(w->n, s.n);
          d.linear(y[side], x[side], *w, nullptr);
          const Tensor a = add[side], in_place = sum[side];
          d.linear(in_place, x[side], *w, &in_place);
          d.linear(y[side], x[side], *w, &a);
          d.linear_backward(dx[side], dy[side], *w, false);
          d.linear_backward(dx_sum[side], dy[side], *w, true);
          d.synchronize();
        });
        expect_agree(y, gemm_tolerance(result, s.k), "linear " + what);
        expect_agree(sum, gemm_tolerance(result, s.k), "linear in place " + what);
        expect_agree(dx, gemm_tolerance(result, s.n), "linear_backward " + what);
        expect_agree(dx_sum, gemm_tolerance(result, s.n), "linear_backward accumulated " + what);
      }
}

TEST(CudaOps, QuantizedWeights) {
  for (const Multiplied& s :
       {Multiplied{1, 6, 7}, Multiplied{3, 40, 64}, Multiplied{8, 9, 72}, Multiplied{20, 33, 200}})
    for (WeightFormat format : {WeightFormat::int8, WeightFormat::nf4, WeightFormat::fp8})
      for (DType compute : kTypes) {
        const std::string what = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
                                 " format " + std::to_string(static_cast<int>(format)) + test::name_of(compute);
        const int64_t first = s.n / 3;
        Matrix upper(first, s.k, DType::bf16), lower(s.n - first, s.k, DType::bf16);
        upper.fill(1);
        lower.fill(2, 0.01);
        const std::vector<WeightBlock> blocks = {{upper.tensor().data, DType::bf16, first},
                                                 {lower.tensor().data, DType::bf16, s.n - first}};
        PairMatrix x(s.m, s.k, compute, 0, 3), y(s.m, s.n, DType::f32, 1, 4), sum(s.m, s.n, DType::f32, 2, 5),
            dx(s.m, s.k, compute, 2, 6), dy(s.m, s.n, compute, 1, 7);
        on_both([&](Device& d, Side side) {
          const unsigned uses = use_forward | use_backward | use_decode;
          const std::unique_ptr<Weight> w(d.make_weight(blocks, s.k, compute, uses, format));
          const Tensor in_place = sum[side];
          d.linear(y[side], x[side], *w, nullptr);
          d.linear(in_place, x[side], *w, &in_place);
          d.linear_backward(dx[side], dy[side], *w, false);
          d.linear_backward(dx[side], dy[side], *w, true);
          d.synchronize();
        });
        // In bf16 either may round the matrix's values or not.
        Tolerance within = gemm_tolerance(DType::f32, s.k);
        if (compute == DType::bf16) within = {kUnitBf16, 2 * kUnitBf16};
        expect_agree(y, within, "linear " + what);
        expect_agree(sum, within, "linear in place " + what);
        Tolerance back = gemm_tolerance(compute, s.n);
        if (compute == DType::bf16) back = {2 * kUnitBf16, 3 * kUnitBf16};
        expect_agree(dx, back, "linear_backward " + what);
      }
}

TEST(CudaOps, Matmul) {
  for (const Multiplied& s : kGemms)
    for (DType compute : kTypes)
      for (bool ta : {false, true})
        for (bool tb : {false, true})
          for (bool accumulate : {false, true}) {
            const std::string what = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
                                     test::name_of(compute) + (ta ? " ta" : "") + (tb ? " tb" : "");
            PairMatrix a(ta ? s.k : s.m, ta ? s.m : s.k, compute, 1, 1),
                b(tb ? s.n : s.k, tb ? s.k : s.n, compute, 0, 2), c(s.m, s.n, DType::f32, 2, 3);
            on_both(
                [&](Device& d, Side side) { d.matmul(c[side], a[side], ta, b[side], tb, 0.5f, accumulate, compute); });
            expect_agree(c, gemm_tolerance(DType::f32, s.k), what);
          }
}

TEST(CudaOps, EmbedReadsWhatTheFileHas) {
  for (DType file : {DType::f32, DType::bf16, DType::f16})
    for (DType compute : kTypes)
      for (unsigned uses : {unsigned{use_gather}, use_gather | use_forward}) {
        Matrix values(9, 24, file);
        values.fill(1);
        const WeightBlock block{values.tensor().data, file, 9};
        PairMatrix y(5, 24, DType::f32, 4, 2);
        PairArray<int32_t> ids({8, 0, 3, 3, 1});
        on_both([&](Device& d, Side side) {
          const std::unique_ptr<Weight> w(d.make_weight({&block, 1}, 24, compute, uses));
          d.embed(y[side], *w, ids[side]);
          d.synchronize();
        });
        expect_equal(y, test::name_of(file) + test::name_of(compute));
      }
}

struct Attended {
  const char* name;
  AttentionShape shape;
  std::vector<int32_t> windows;
};

// Windows in one batch, all of them training rows; test_cuda_attention.cpp has the tables of shapes.
TEST(CudaOps, AttentionAndItsBackward) {
  const auto shape = [](int heads, int kv_heads, int dim) {
    return AttentionShape{heads, kv_heads, dim, static_cast<float>(1 / std::sqrt(dim))};
  };
  for (const Attended& c : {Attended{"7 to 1", shape(7, 1, 16), {1, 30, 2}}, Attended{"128", shape(4, 2, 128), {65, 1}},
                            Attended{"64", shape(2, 2, 64), {17, 64}}, Attended{"20", shape(4, 1, 20), {40}}})
    for (DType type : kTypes) {
      std::vector<AttentionSegment> segments;
      std::vector<KeyRange> ranges;
      std::vector<int32_t> visible;
      for (int32_t n : c.windows) {
        const auto begin = static_cast<int32_t>(visible.size());
        segments.push_back({begin, n, static_cast<int32_t>(ranges.size()), 1});
        ranges.push_back({begin, n});
        for (int32_t i = 1; i <= n; i++) visible.push_back(i);
      }
      const auto rows = static_cast<int64_t>(visible.size());
      const int64_t q_cols = c.shape.heads * c.shape.head_dim, k_cols = c.shape.kv_heads * c.shape.head_dim;
      PairMatrix q(rows, q_cols, type, 8, 1), kv(rows, 2 * k_cols, type, 0, 2), o(rows, q_cols, type, 0, 3),
          dout(rows, q_cols, type, 0, 4), dq(rows, q_cols, type, 0, 5), dkv(rows, 2 * k_cols, type, 0, 6),
          lse(rows, c.shape.heads, DType::f32, 0, 7);
      on_both([&](Device& d, Side side) {
        const AttentionPlan plan{segments, ranges, visible};
        const auto keys = [&](PairMatrix& m) { return m[side].columns(0, k_cols); };
        const auto values = [&](PairMatrix& m) { return m[side].columns(k_cols, k_cols); };
        auto* sums = static_cast<float*>(lse[side].data);
        d.attention(o[side], sums, q[side], keys(kv), values(kv), c.shape, plan);
        d.attention_backward(dq[side], keys(dkv), values(dkv), dout[side], q[side], keys(kv), values(kv), o[side], sums,
                             c.shape, plan);
      });
      const std::string what = std::string(c.name) + test::name_of(type);
      // In bf16 probabilities are rounded too, on either side in other places.
      const Tolerance within = type == DType::f32 ? Tolerance{1e-5, 1e-5} : Tolerance{2 * kUnitBf16, 4 * kUnitBf16};
      expect_agree(o, within, "o " + what);
      expect_agree(lse, {1e-5, 1e-5}, "lse " + what);
      expect_agree(dq, within, "dq " + what);
      expect_agree(dkv, within, "dk, dv " + what);
    }
}

TEST(CudaOps, EmptyTensorsAreLeftAlone) {
  PairMatrix x(4, 8, DType::f32, 0, 1);
  PairArray<int32_t> rows({0});
  on_both([&](Device& d, Side side) {
    const Tensor none = x[side].row_range(0, 0);
    d.copy(none, none);
    d.add(none, none, none);
    d.gather_rows(none, x[side], rows[side]);
    d.scatter_add_rows(x[side], none, rows[side]);
    d.scatter_rows(x[side], none, rows[side]);
    d.rms_norm(none, nullptr, none, static_cast<const float*>(x[side].data), 1e-6f);
  });
  expect_equal(x, "nothing");
}

TEST(CudaDevice, MemoryIsZeroedAndComesBack) {
  Device& d = DevicePair::get()[candidate];
  const uint64_t before = d.info().memory_available;
  std::vector<char> bytes(10 << 20, 1);  // more than what is staged at once
  void* p = d.alloc(bytes.size());
  d.download(bytes.data(), p, bytes.size());
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 0), static_cast<int64_t>(bytes.size()));
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  d.upload(p, bytes.data(), bytes.size());
  std::vector<char> back(bytes.size());
  d.download(back.data(), p, back.size());
  EXPECT_EQ(bytes, back);
  d.free(p);
  EXPECT_EQ(d.info().memory_available, before);
}

TEST(CudaDevice, MoreMemoryThanThereIsIsRefusedAndDoesNoHarm) {
  Device& d = DevicePair::get()[candidate];
  EXPECT_THROW(d.alloc(d.info().memory_total + 1), NoMemory);
  void* p = d.alloc(1000);
  d.free(p);
}

TEST(CudaDevice, ACardThatIsNotThereIsNamed) {
  try {
    cuda::CudaDevice device(4096);
    FAIL() << "it was opened";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("no GPU 4096"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace vq::test
