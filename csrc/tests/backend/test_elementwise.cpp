// swiglu, dropout (alone and fused), add, copy, zero, gathered and scattered rows on the device under test, compared
// with the CPU.
#include "tests/backend/cases.h"

namespace vq::test {
namespace {

TEST(BackendElementwise, SwigluMatchesReference) {
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

TEST(BackendElementwise, DropoutMaskIsTheSame) {
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

// Fused dropout equals dropout after the op: bit for bit on the CPU, and within tolerance of the CPU on the GPU.
TEST(BackendElementwise, FusedDropoutMatchesSeparate) {
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

TEST(BackendElementwise, FusedDropoutInBackwardMatchesSeparate) {
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
      // The same as two separate ops.
      device.dropout(dy2[side], more[side], key, true);
      device.rms_norm_backward(dx2[side], dy2[side], x[side], rstd[side], weight, true);
      device.dropout(dh2[side], more[side], key, true);
      device.swiglu_backward(d2[side], dh2[side], gate_up[side]);
    });
    EXPECT_EQ(dx.result(reference).raw(), dx2.result(reference).raw()) << what;
    EXPECT_EQ(d.result(reference).raw(), d2.result(reference).raw()) << what;
    // A sum that rounds to a neighboring bf16 value changes the gradients after it by as much.
    const Tolerance within = out == DType::bf16 ? Tolerance{kUnitBf16, 2 * kUnitBf16} : tolerance_of(DType::f32, 64);
    expect_agree(dx, within, "norm " + what);
    expect_agree(d, out == DType::bf16 || in == DType::bf16 ? Tolerance{kUnitBf16, 2 * kUnitBf16} : within,
                 "swiglu " + what);
  });
}

TEST(BackendElementwise, AddCopyAndZeroAreExact) {
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

TEST(BackendElementwise, GatherAndScatterAreExact) {
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

}  // namespace
}  // namespace vq::test
