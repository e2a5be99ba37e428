// The thread pool: every task once, none twice, whatever the number of threads; jobs follow one another safely.
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <vector>

#include "ops/cpu/pool.h"

namespace {

using vq::cpu::Pool;

TEST(Pool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 3, 7}) {
    Pool pool(threads);
    for (int64_t tasks : {0, 1, 2, 5, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(tasks));
      pool.run(tasks, [&](int64_t task, int thread) {
        ASSERT_LT(thread, threads);
        hits[static_cast<size_t>(task)]++;
      });
      for (auto& h : hits) EXPECT_EQ(h, 1);
    }
  }
}

TEST(Pool, RangesCoverEverythingOnceAndKeepTheGrain) {
  Pool pool(3);
  for (int64_t n : {1, 10, 99, 4096})
    for (int64_t grain : {1, 16, 5000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(n));
      std::atomic<int64_t> smallest{n};
      pool.ranges(n, grain, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) hits[static_cast<size_t>(i)]++;
        int64_t now = smallest;
        while (end - begin < now && !smallest.compare_exchange_weak(now, end - begin)) {
        }
      });
      for (auto& h : hits) EXPECT_EQ(h, 1);
      EXPECT_GE(2 * smallest, std::min(n, grain));
    }
}

TEST(Pool, ManyShortJobsSeeEachOthersWrites) {
  Pool pool(2);
  std::vector<int64_t> value(64, 0);
  for (int round = 0; round < 20000; round++)
    pool.run(64, [&](int64_t i, int) { value[static_cast<size_t>(i)] += i; });
  for (int64_t i = 0; i < 64; i++) EXPECT_EQ(value[static_cast<size_t>(i)], 20000 * i);
}

}  // namespace
