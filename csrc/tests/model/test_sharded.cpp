// Training in several processes: here threads, each with a device and a model of its own.
#include <thread>

#include "api/handles.h"
#include "tests/model/model_test.h"
#include "tests/thread_comm.h"

namespace vq::test {
namespace {

// Slices of several parts, and a scale that is no power of two.
constexpr vq_adapter_config kWide{150, 0.7f, 0.25f, 127};
constexpr int kMicroBatches = 5, kSteps = 2;

struct Outcome {
  std::vector<float> adapter, moments;
  std::vector<double> losses, norms;
  uint32_t flags = 0;
  bool operator==(const Outcome&) const = default;
};

// One process of a run.
class Process : public ModelTest {
 public:
  Process() { SetUp(); }
  ~Process() override { TearDown(); }
  void TestBody() override {}

  Outcome run(int rank, int world, vq_comm* comm) {
    Outcome outcome;
    start(world, comm);
    for (int step = 1; step <= kSteps; step++) {
      for (int first = 0, slot = 0; first < kMicroBatches; first += world, slot = 1 - slot) {
        const int number = first + rank;
        EXPECT_EQ(vq_trainer_wait(trainer, slot, nullptr), VQ_OK);
        const bool any = number < kMicroBatches;
        if (any) fill_batch(slot, number);
        EXPECT_EQ(vq_trainer_accumulate(trainer, slot, any ? 3 : 0, any ? 4 : 0, 100 * step + number, nullptr), VQ_OK);
      }
      const vq_update how{1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 4 * kMicroBatches, step, 1u << rank};
      vq_update_result result{};
      EXPECT_EQ(vq_trainer_update(trainer, &how, &result, nullptr), VQ_OK);
      outcome.losses.push_back(result.loss_sum);
      outcome.norms.push_back(result.grad_norm);
      outcome.flags = result.flags;
    }
    read(rank, outcome);
    return outcome;
  }

  void start(int world, vq_comm* comm) {
    vq_adapter_close(adapter);
    VQ_OK_(vq_adapter_create(model, &kWide, &adapter, &err));
    each_wide([&](int layer, uint32_t target, std::vector<float>& a, std::vector<float>& b) {
      for (std::vector<float>* m : {&a, &b}) {
        for (size_t i = 0; i < m->size(); i++) (*m)[i] = 0.02f * static_cast<float>(static_cast<int>(i * 7 % 11) - 5);
      }
      VQ_OK_(vq_adapter_write(adapter, layer, target, a.data(), b.data(), &err));
    });
    vq_train_limits limits = kLimits;
    limits.ranks = world;
    if (comm) {
      VQ_OK_(vq_trainer_create_sharded(model, adapter, &limits, comm, &trainer, &err));
    } else {
      VQ_OK_(vq_trainer_create(model, adapter, &limits, 1, &trainer, &err));
    }
    // Moments that a checkpoint had: each process keeps its part.
    each_wide([&](int layer, uint32_t target, std::vector<float>& a, std::vector<float>& b) {
      for (size_t i = 0; i < a.size(); i++) a[i] = 1e-3f * static_cast<float>(i % 5);
      for (size_t i = 0; i < b.size(); i++) b[i] = 1e-3f * static_cast<float>(i % 3);
      VQ_OK_(vq_trainer_write_moments(trainer, layer, target, a.data(), a.data(), b.data(), b.data(), &err));
    });
  }

 private:
  template <class Visit>
  static void each_wide(Visit visit) {
    for (int l = 0; l < kConfig.layers; l++) {
      for (uint32_t target = VQ_TARGET_Q; target <= VQ_TARGET_DOWN; target *= 2) {
        const auto [in, out] = in_out(target);
        std::vector<float> a(in * kWide.rank), b(out * kWide.rank);
        visit(l, target, a, b);
      }
    }
  }

  void read(int rank, Outcome& outcome) {
    each_wide([&](int l, uint32_t target, std::vector<float>& a, std::vector<float>& b) {
      VQ_OK_(vq_adapter_read(adapter, l, target, a.data(), b.data(), &err));
      outcome.adapter.insert(outcome.adapter.end(), a.begin(), a.end());
      outcome.adapter.insert(outcome.adapter.end(), b.begin(), b.end());
    });
    if (rank > 0) {
      EXPECT_EQ(vq_trainer_send_moments(trainer, nullptr), VQ_OK);
      return;
    }
    each_wide([&](int l, uint32_t target, std::vector<float>& a, std::vector<float>& b) {
      std::vector<float> a_v(a.size()), b_v(b.size());
      VQ_OK_(vq_trainer_read_moments(trainer, l, target, a.data(), a_v.data(), b.data(), b_v.data(), &err));
      for (const auto* m : {&a, &a_v, &b, &b_v}) outcome.moments.insert(outcome.moments.end(), m->begin(), m->end());
    });
    EXPECT_EQ(vq_trainer_moments_read(trainer, nullptr), VQ_OK);
  }
};

std::vector<Outcome> run_ranks(int world) {
  Mail mail;
  std::vector<Outcome> outcomes(world);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world; rank++) {
    threads.emplace_back([&, rank] {
      vq_comm comm{std::make_unique<ThreadComm>(mail, rank, world)};
      outcomes[rank] = Process().run(rank, world, &comm);
    });
  }
  for (std::thread& t : threads) t.join();
  return outcomes;
}

class ShardedTest : public ModelTest {};

TEST_P(ShardedTest, AnyNumberOfProcessesComputesTheSameBytes) {
  Outcome alone = Process().run(0, 1, nullptr);
  EXPECT_GT(alone.norms[0], 0);
  EXPECT_EQ(alone.flags, 1u);
  for (const int world : {2, 3, 8}) {
    const std::vector<Outcome> outcomes = run_ranks(world);
    alone.flags = (1u << world) - 1;
    EXPECT_TRUE(outcomes[0] == alone) << world << " processes";
    for (const Outcome& o : outcomes) {
      EXPECT_EQ(o.adapter, alone.adapter);
      EXPECT_EQ(o.losses, alone.losses);
      EXPECT_EQ(o.norms, alone.norms);
    }
  }
}

TEST_P(ShardedTest, RefusesWhatDoesNotFit) {
  Mail mail;
  vq_comm comm{std::make_unique<ThreadComm>(mail, 0, 2)};
  vq_train_limits limits = kLimits;
  limits.ranks = 3;
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_create_sharded(model, adapter, &limits, &comm, &trainer, &err));
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_create(model, adapter, &limits, 1, &trainer, &err));
  limits.ranks = 2;
  VQ_OK_(vq_trainer_create_sharded(model, adapter, &limits, &comm, &trainer, &err));
  std::vector<float> some(1 << 16);
  VQ_FAILS(VQ_BAD_ARGUMENT, vq_trainer_read_gradients(trainer, 0, VQ_TARGET_Q, some.data(), some.data(), &err));
}

TEST_P(ShardedTest, FailureOfAnotherProcessFailsTheStep) {
  Mail mail;
  vq_comm comm{std::make_unique<ThreadComm>(mail, 0, 2)};
  vq_train_limits limits = kLimits;
  limits.ranks = 2;
  VQ_OK_(vq_trainer_create_sharded(model, adapter, &limits, &comm, &trainer, &err));
  const std::vector<float> before = read_adapter();
  fill_batch(0, 0);
  VQ_OK_(vq_trainer_accumulate(trainer, 0, 3, 4, 1, &err));
  vq_comm_fail(&comm, "rank 1 failed: its disk is full");
  const vq_update how{1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 8, 1, 0};
  vq_update_result result{};
  vq_error err{};
  EXPECT_EQ(vq_trainer_update(trainer, &how, &result, &err), VQ_PEER_FAILED);
  EXPECT_STREQ(err.text, "rank 1 failed: its disk is full");
  EXPECT_EQ(read_adapter(), before);
}

INSTANTIATE_TEST_SUITE_P(Precision, ShardedTest, testing::Values(VQ_F32, VQ_BF16));

}  // namespace
}  // namespace vq::test
