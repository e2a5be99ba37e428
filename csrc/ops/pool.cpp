#include "ops/pool.h"

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <chrono>

namespace vq {
namespace {

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The jobs of a pass follow one another within some ten microseconds, and to wake a sleeping thread takes as long again
// or longer: decoding, with hundreds of jobs per token, lost a quarter of its time to it. So threads spin this long
// before they sleep.
constexpr std::chrono::microseconds kSpin{100};
constexpr int kChecks = 32;  // between two looks at the clock

// Returns once `value` is not `old`.
void await_change(std::atomic<uint32_t>& value, uint32_t old) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kChecks; i++) {
      if (value.load(std::memory_order_acquire) != old) return;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

int usable_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Pool::Pool(int threads, int64_t worth_sharing) : worth_sharing_(worth_sharing) {
  for (int i = 1; i < threads; i++) workers_.emplace_back([this, i] { work(i); });
}

Pool::~Pool() {
  stop_.store(true, std::memory_order_relaxed);
  jobs_.fetch_add(1, std::memory_order_release);
  jobs_.notify_all();
  for (auto& w : workers_) w.join();
}

void Pool::take_tasks(int thread) {
  uint32_t done = 0;
  for (uint64_t ticket = ticket_.load(std::memory_order_acquire); static_cast<uint32_t>(ticket) != 0;) {
    const Call call = call_.load(std::memory_order_relaxed);
    void* const context = context_.load(std::memory_order_relaxed);
    const uint32_t tasks = tasks_.load(std::memory_order_relaxed);
    if (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    call(context, tasks - static_cast<uint32_t>(ticket), thread);
    done++;
    ticket = ticket_.load(std::memory_order_acquire);
  }
  if (done != 0 && unfinished_.fetch_sub(done, std::memory_order_acq_rel) == done) unfinished_.notify_one();
}

void Pool::share(uint32_t tasks, Call call, void* context) {
  call_.store(call, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  tasks_.store(tasks, std::memory_order_relaxed);
  unfinished_.store(tasks, std::memory_order_relaxed);
  const uint32_t job = jobs_.load(std::memory_order_relaxed) + 1;
  ticket_.store(uint64_t{job} << 32 | tasks, std::memory_order_release);
  jobs_.store(job, std::memory_order_release);
  jobs_.notify_all();
  take_tasks(0);
  for (uint32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;) await_change(unfinished_, left);
}

void Pool::work(int thread) {
  for (uint32_t seen = 0;;) {
    await_change(jobs_, seen);
    seen = jobs_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    take_tasks(thread);
  }
}

}  // namespace vq
