#include "api/worker.h"

#include <utility>

namespace vq {

Worker::~Worker() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

uint64_t Worker::post(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  jobs_.push_back(std::move(job));
  wake_.notify_one();
  return ++posted_;
}

void Worker::wait(uint64_t job) {
  std::unique_lock lock(mutex_);
  done_changed_.wait(lock, [&] { return done_ >= job; });
}

void Worker::wait_idle() {
  std::unique_lock lock(mutex_);
  done_changed_.wait(lock, [&] { return done_ == posted_; });
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
    done_++;
    done_changed_.notify_all();
  }
}

}  // namespace vq
