// rms_norm and head_norm_rope on the device under test, compared with the CPU.
#include "tests/backend/cases.h"

namespace vq::test {
namespace {

TEST(BackendNorm, RmsNormMatchesReference) {
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

TEST(BackendNorm, RmsNormBackwardMatchesReference) {
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

// The same bytes as a copy of dx, whether it is accumulated or not.
TEST(BackendNorm, RmsNormBackwardCastsWhatItStores) {
  each_case([](const Size& s, DType in, DType out, const std::string& what) {
    PairMatrix x(s.rows, s.cols, in, s.pad, 1), w(1, s.cols, DType::f32, 0, 2), dy(s.rows, s.cols, out, s.pad, 3),
        y(s.rows, s.cols, DType::f32, 0, 5);
    PairArray<float> rstd(std::vector<float>(static_cast<size_t>(s.rows)));
    for (bool accumulate : {true, false}) {
      PairMatrix dx(s.rows, s.cols, DType::f32, s.pad, 4), cast(s.rows, s.cols, out, 0, 6),
          copy(s.rows, s.cols, out, 0, 7), alone(s.rows, s.cols, DType::f32, s.pad, 4);
      on_both([&](Device& d, Side side) {
        const auto* weight = static_cast<const float*>(w[side].data);
        d.rms_norm(y[side], rstd[side], x[side], weight, 1e-6f);
        d.rms_norm_backward(alone[side], dy[side], x[side], rstd[side], weight, accumulate);
        d.rms_norm_backward(dx[side], dy[side], x[side], rstd[side], weight, accumulate, {}, cast[side]);
        d.copy(copy[side], dx[side]);
      });
      for (Side side : {reference, candidate}) {
        EXPECT_EQ(dx.result(side).raw(), alone.result(side).raw()) << what;
        EXPECT_EQ(cast.result(side).raw(), copy.result(side).raw()) << what;
      }
    }
  });
}

struct Heads {
  int64_t rows, heads;
  int dim;
  int64_t pad;
};

TEST(BackendNorm, HeadNormRopeMatchesReference) {
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

}  // namespace
}  // namespace vq::test
