// One thread that runs jobs in the order of posting.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace vq {

class Worker {
 public:
  Worker() = default;
  ~Worker();  // runs the remaining jobs first
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The job must not throw. Returns its number, from 1.
  uint64_t post(std::function<void()> job);
  void wait(uint64_t job);  // until that job and all before it are done
  void wait_idle();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_, done_changed_;
  std::deque<std::function<void()>> jobs_;
  uint64_t posted_ = 0;
  uint64_t done_ = 0;
  bool stop_ = false;
  std::thread thread_;  // started by the first job
};

}  // namespace vq
