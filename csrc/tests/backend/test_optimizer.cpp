// The sums of an optimizer step, the gradient norm and AdamW on the device under test, compared with the CPU.
#include "tests/backend/cases.h"

namespace vq::test {
namespace {

TEST(BackendOptimizer, SumOfSquaresMatchesReference) {
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

// What is optional, for training in several processes.
bool shares_steps() {
  bool does = true;
  on_both([&](Device& d, Side) {
    try {
      d.fold(nullptr, nullptr, 0, 1);
    } catch (const Error&) {
      does = false;
    }
  });
  return does;
}

TEST(BackendOptimizer, SquaresOfPartsMatchReference) {
  if (!shares_steps()) return;
  for (int64_t n : {int64_t{1}, kSquaresPart, kSquaresPart + 3}) {
    PairMatrix x(1, n, DType::f32, 0, 1, 1e3);
    PairArray<double> parts({-1, -1, -1});
    on_both([&](Device& d, Side side) { d.squares_of_parts(parts[side], static_cast<const float*>(x[side].data), n); });
    expect_agree(parts, {1e-12, 1e-12}, std::to_string(n));  // a sum of 2^16 numbers, in double precision
  }
}

TEST(BackendOptimizer, FoldMatchesReference) {
  if (!shares_steps()) return;
  for (int64_t n : {1, 7, 300}) {
    PairMatrix sum(1, n, DType::f32, 0, 1), x(1, n, DType::f32, 0, 2);
    on_both([&](Device& d, Side side) {
      d.fold(static_cast<float*>(sum[side].data), static_cast<const float*>(x[side].data), n, 0.7f);
    });
    expect_agree(sum, std::to_string(n));
  }
}

TEST(BackendOptimizer, AdamWMatchesReference) {
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

TEST(BackendOptimizer, GradNormMatchesReference) {
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

TEST(BackendOptimizer, SumMatchesReference) {
  for (int64_t n : {0, 1, 31, 300}) {
    PairMatrix x(1, std::max<int64_t>(n, 1), DType::f32, 0, 1, 1e3);
    PairArray<double> sum({0.25});
    on_both([&](Device& d, Side side) { d.accumulate_sum(sum[side], static_cast<const float*>(x[side].data), n); });
    expect_agree(sum, {1e-12, 1e-12}, std::to_string(n));
  }
}

}  // namespace
}  // namespace vq::test
