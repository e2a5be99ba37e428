// A pool of host threads: it runs the CPU device's ops, and quantizes weights for any device.
//
// A job is a number of tasks. Idle threads take the next task until none is left, and the calling thread takes tasks as
// well, so a thread that other programs slow down delays only the task it is in. What a task computes must therefore
// not depend on the thread that runs it: results are the same bytes however the tasks are distributed.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace vq {

// Processors that this process may run on, at least 1.
int usable_processors();

class Pool {
 public:
  // Work is estimated from sizes alone, in units of about a nanosecond of one thread. A job below this stays on the
  // calling thread: waking another costs several microseconds, more on a busy machine.
  static constexpr int64_t kWorthSharing = 50'000;

  // threads >= 1, including the caller's. Jobs of less work than worth_sharing (>= 1) stay on the calling thread.
  explicit Pool(int threads, int64_t worth_sharing = kWorthSharing);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(task, thread) for task = 0 .. tasks - 1, tasks < 2^31; returns when all are done. thread < threads()
  // selects scratch memory. work: of all tasks together. Calls must not be nested; body must not throw.
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

  // Calls body(begin, end, thread) on consecutive ranges of 0 .. n. work: of one element.
  template <class Body>
  void ranges(int64_t n, int64_t work, Body&& body) {
    if (n <= 0) return;
    // Up to four ranges per thread, each of at least half of what is worth sharing.
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
  // The job. A worker may read these while the next job is written; it uses what it read only after it has taken a task
  // of the job, which then cannot have ended in between.
  std::atomic<Call> call_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<uint32_t> tasks_{0};
  // Each on its own cache line: all threads write them.
  alignas(64) std::atomic<uint64_t> ticket_{0};      // number of the job << 32 | tasks not yet taken
  alignas(64) std::atomic<uint32_t> unfinished_{0};  // tasks of the job
  alignas(64) std::atomic<uint32_t> jobs_{0};        // raised for each job and at the end: what idle workers wait for
  std::atomic<bool> stop_{false};
};

}  // namespace vq
