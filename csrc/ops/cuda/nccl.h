// NCCL, loaded when the processes of a run first exchange GPU memory: over NVLink, PCIe or the network, without the
// host.
//
// A comm on the processors carries what NCCL's start needs, its id of 128 bytes, and finds processes that are gone:
// before large exchanges its users let all ranks meet there (model/sharded_update.h). NCCL itself does not notice
// every one of them, so that an exchange that does not end is given up.
#pragma once

#include <span>
#include <string>

#include "ops/comm.h"
#include "ops/cuda/runtime.h"

struct ncclComm;

namespace vq::cuda {

class Nccl {
 public:
  static constexpr double kPatience = 50;  // seconds

  // All ranks of the comm call it at the same time, each with its GPU current. Throws the same Error on all of them if
  // one has no NCCL, or another version of it.
  explicit Nccl(Comm& comm, double patience = kPatience);
  ~Nccl();
  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  // Comm::exchange of GPU memory, after the work that is queued on the stream. Throws PeerError, and then for ever.
  void exchange(std::span<const Transfer> sends, std::span<const Transfer> receives, Stream stream);

 private:
  void meet(Comm& comm);
  void start(Comm& comm);
  void queue(std::span<const Transfer> sends, std::span<const Transfer> receives, Stream stream);
  void wait_until_done();
  [[noreturn]] void give_up(const std::string& why);

  const double patience_;
  ncclComm* comm_ = nullptr;
  EventHandle done_ = nullptr;
};

}  // namespace vq::cuda
