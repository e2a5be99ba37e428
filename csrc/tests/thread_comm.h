// A comm between threads of one process.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ops/comm.h"

namespace vq::test {

// What is under way between the ranks.
struct Mail {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::pair<int, int>, std::deque<std::vector<char>>> boxes;  // by sender and receiver
  std::string failure;
};

class ThreadComm final : public Comm {
 public:
  ThreadComm(Mail& mail, int rank, int world) : mail_(mail), rank_(rank), world_(world) {}
  int rank() const override { return rank_; }
  int world() const override { return world_; }
  std::string library() const override { return "threads"; }
  void exchange(std::span<const Transfer> sends, std::span<const Transfer> receives) override {
    std::unique_lock lock(mail_.mutex);
    for (const Transfer& t : sends) {
      const char* data = static_cast<const char*>(t.data);
      mail_.boxes[{rank_, t.peer}].emplace_back(data, data + t.bytes);
    }
    mail_.changed.notify_all();
    for (const Transfer& t : receives) {
      auto& box = mail_.boxes[{t.peer, rank_}];
      mail_.changed.wait(lock, [&] { return !box.empty() || !mail_.failure.empty(); });
      if (box.empty()) throw PeerError(mail_.failure);
      ASSERT_EQ(box.front().size(), t.bytes);
      std::memcpy(t.data, box.front().data(), t.bytes);
      box.pop_front();
    }
  }
  void fail(const char* why) noexcept override {
    std::lock_guard lock(mail_.mutex);
    mail_.failure = why;
    mail_.changed.notify_all();
  }
  double waited(int) const override { return 0; }

 private:
  Mail& mail_;
  int rank_, world_;
};

}  // namespace vq::test
