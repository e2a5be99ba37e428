// The threads of a CPU device. A job is a number of tasks; idle threads take the next task until none is left, so that
// a thread that is slowed down by others on the machine holds up nobody: the caller takes tasks as well, and waits only
// for those that another thread has begun. What a task computes must therefore not depend on which thread runs it:
// results are the same bytes however the tasks fall.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace vq::cpu {

class Pool {
 public:
  // Work is counted in units of about a nanosecond of one thread, by the sizes alone. A job of less than this stays on
  // the calling thread: waking another costs several microseconds, more on a machine that others use.
  static constexpr int64_t kWorthSharing = 50'000;

  // threads >= 1, the caller's among them. Jobs of less work than worth_sharing (>= 1) stay on the calling thread.
  explicit Pool(int threads, int64_t worth_sharing = kWorthSharing);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(task, thread) for task = 0 .. tasks - 1, tasks < 2^31; returns when all are done. thread < threads()
  // tells scratch memory apart. work: of all tasks together. Not to be nested; body must not throw.
  template <class Body>
  void run(int64_t tasks, int64_t work, Body&& body) {
    if (tasks <= 1 || work < worth_sharing_ || workers_.empty()) {
      for (int64_t i = 0; i < tasks; i++) body(i, 0);
      return;
    }
    using Plain = std::remove_reference_t<Body>;
    const Call call = [](void* context, int64_t task, int thread) { (*static_cast<Plain*>(context))(task, thread); };
    share(static_cast<uint32_t>(tasks), call, const_cast<void*>(static_cast<const void*>(&body)));
  }

  // Calls body(begin, end, thread) on consecutive ranges of 0 .. n. work: of one of the n.
  template <class Body>
  void ranges(int64_t n, int64_t work, Body&& body) {
    if (n <= 0) return;
    // Up to four for each thread, each of half of what is worth sharing at least.
    const int64_t most = n < 4 * threads() ? n : 4 * threads(), parts = n * work / (worth_sharing_ / 2 + 1);
    const int64_t tasks = parts < 1 ? 1 : parts < most ? parts : most;
    run(tasks, n * work, [&](int64_t task, int thread) { body(n * task / tasks, n * (task + 1) / tasks, thread); });
  }

 private:
  using Call = void (*)(void* context, int64_t task, int thread);
  void share(uint32_t tasks, Call call, void* context);
  void work(int thread);
  void take_tasks(int thread);

  const int64_t worth_sharing_;
  std::vector<std::thread> workers_;
  // The job. A worker may look at these while the next job is written; it uses what it saw only after it has taken a
  // task of the job, which then cannot have ended in between.
  std::atomic<Call> call_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<uint32_t> tasks_{0};
  // Each on a cache line of its own: all threads hammer them.
  alignas(64) std::atomic<uint64_t> ticket_{0};      // number of the job << 32 | tasks nobody has taken
  alignas(64) std::atomic<uint32_t> unfinished_{0};  // tasks of the job
  alignas(64) std::atomic<uint32_t> jobs_{0};        // raised for each job and at the end: what idle workers wait for
  std::atomic<bool> stop_{false};
};

}  // namespace vq::cpu
