// Comm over MPI. A thread sends a sign of life to every other rank a few times a second, so that a process that died or
// hangs is told from one that computes for a long time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "ops/comm.h"
#include "ops/mpi_library.h"

namespace vq {

class MpiComm final : public Comm {
 public:
  // Joins the run. A rank without a sign of life for `patience` seconds counts as dead.
  MpiComm(std::unique_ptr<MpiLibrary> library, double patience);
  ~MpiComm() override;  // waits for the others to leave too, and then ends MPI

  int rank() const override { return rank_; }
  int world() const override { return world_; }
  std::string library() const override { return mpi_->version(); }
  void exchange(std::span<const Transfer> sends, std::span<const Transfer> receives) override;
  void fail(const char* why) noexcept override;
  double waited(int rank) const override;

 private:
  using Clock = std::chrono::steady_clock;

  enum class State : int32_t { alive, left, failed };
  struct Sign {
    State state;
    char why[236];  // of a failure
  };
  struct Peer {
    Sign incoming{}, outgoing{};
    MpiLibrary::Request receive{}, send{};
    bool receiving = false, sending = false;
    bool told = false;  // the last sign has been sent
    State state = State::alive;
    Clock::time_point heard;
    double waited = 0;
  };
  struct Piece {
    MpiLibrary::Request request;
    int peer;
    bool receives, done;
  };

  void post(std::vector<Piece>& pieces, std::span<const Transfer> transfers, bool receives);
  bool test(std::vector<Piece>& pieces, Clock::time_point begun);
  void require_life(const std::vector<Piece>& pieces);
  void give_signs();
  void exchange_signs() noexcept;
  void listen(int rank, Peer& peer);
  void tell(int rank, Peer& peer);
  bool worth_waiting(Clock::time_point begun);
  bool all_left();

  std::unique_ptr<MpiLibrary> mpi_;
  int rank_, world_;
  mutable std::mutex mutex_;  // of all calls of MPI, and of what follows
  std::condition_variable changed_;
  std::vector<Peer> peers_;  // by rank
  Sign own_{};
  const double patience_;
  bool stop_ = false;
  std::thread signs_;
};

}  // namespace vq
