// The threads of a CPU device. A job is a number of tasks; idle threads take the next task until none is left, so that
// a thread that is slowed down by others on the machine holds up nobody. What a task computes must therefore not depend
// on which thread runs it: results are the same bytes however the tasks fall.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace vq::cpu {

class Pool {
 public:
  // threads >= 1, the caller's among them.
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(task, thread) for task = 0 .. tasks - 1; returns when all are done. thread < threads() tells scratch
  // memory apart. Not to be nested; body must not throw.
  template <class Body>
  void run(int64_t tasks, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    run_job(tasks, [](void* context, int64_t task, int thread) { (*static_cast<Plain*>(context))(task, thread); },
            const_cast<void*>(static_cast<const void*>(&body)));
  }

  // Calls body(begin, end, thread) on consecutive ranges of 0 .. n of at least `grain` items each.
  template <class Body>
  void ranges(int64_t n, int64_t grain, Body&& body) {
    if (n <= 0) return;
    const int64_t limit = (n + grain - 1) / grain;
    const int64_t tasks = limit < threads() ? limit : (limit < 4 * threads() ? threads() : 4 * threads());
    run(tasks, [&](int64_t task, int thread) { body(n * task / tasks, n * (task + 1) / tasks, thread); });
  }

 private:
  using Call = void (*)(void* context, int64_t task, int thread);
  void run_job(int64_t tasks, Call call, void* context);
  void work(int thread);
  void take_tasks(int thread);

  std::vector<std::thread> workers_;
  // The job; written before `epoch_` is raised, read after.
  Call call_ = nullptr;
  void* context_ = nullptr;
  int64_t tasks_ = 0;
  // Each on a cache line of its own: all threads hammer them.
  alignas(64) std::atomic<uint32_t> epoch_{0};   // raised for each job
  alignas(64) std::atomic<int64_t> next_{0};     // the next task nobody has taken
  alignas(64) std::atomic<uint32_t> running_{0};  // workers that have not finished the job
  std::atomic<bool> stop_{false};
};

}  // namespace vq::cpu
