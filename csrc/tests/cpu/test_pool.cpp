// The thread pool: each task runs exactly once for any number of threads; consecutive jobs do not interfere.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "ops/pool.h"

namespace {

using vq::Pool;

constexpr int64_t kMuch = Pool::kWorthSharing;

TEST(Pool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 3, 7}) {
    Pool pool(threads);
    for (int64_t tasks : {0, 1, 2, 5, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(tasks));
      pool.run(tasks, kMuch, [&](int64_t task, int thread) {
        ASSERT_LT(thread, threads);
        hits[static_cast<size_t>(task)]++;
      });
      for (auto& h : hits) EXPECT_EQ(h, 1);
    }
  }
}

TEST(Pool, SmallWorkStaysOnTheCallingThread) {
  Pool pool(3);
  for (int round = 0; round < 1000; round++)
    pool.run(20, kMuch - 1, [&, caller = std::this_thread::get_id()](int64_t, int thread) {
      EXPECT_EQ(thread, 0);
      EXPECT_EQ(std::this_thread::get_id(), caller);
    });
}

TEST(Pool, UsesEveryThread) {
  // Each task waits until all have started, so they must run on three threads.
  Pool pool(3);
  std::atomic<int> begun{0};
  pool.run(3, kMuch, [&](int64_t, int) {
    begun++;
    while (begun < 3) std::this_thread::yield();
  });
  EXPECT_EQ(begun, 3);
}

TEST(Pool, RangesCoverEverythingOnce) {
  Pool pool(3);
  for (int64_t n : {1, 10, 99, 4096})
    for (int64_t work : {int64_t{1}, int64_t{100}, int64_t{5000}, kMuch}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(n));
      std::atomic<int64_t> smallest{n};
      pool.ranges(n, work, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) hits[static_cast<size_t>(i)]++;
        int64_t now = smallest;
        while (end - begin < now && !smallest.compare_exchange_weak(now, end - begin)) {
        }
      });
      for (auto& h : hits) EXPECT_EQ(h, 1);
      EXPECT_GE((smallest + 1) * work, std::min(n * work, kMuch / 2));
    }
}

TEST(Pool, ConsecutiveJobsSeeEarlierWrites) {
  for (int threads : {2, 5}) {
    Pool pool(threads);
    std::vector<int64_t> value(64, 0);
    for (int round = 0; round < 20000; round++)
      pool.run(64, kMuch, [&](int64_t i, int) { value[static_cast<size_t>(i)] += i; });
    for (int64_t i = 0; i < 64; i++) EXPECT_EQ(value[static_cast<size_t>(i)], 20000 * i);
  }
}

}  // namespace
