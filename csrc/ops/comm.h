// Communication between the processes of one training run. Each process has a rank, from 0; their number is the world.
//
// Bytes are all that is moved: the order of every sum is decided by the code above (model/sharded_update.h), so that it
// does not depend on the number of processes.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "ops/tensor.h"

namespace vq {

// Another process of the run failed, left or does not answer.
class PeerError : public Error {
  using Error::Error;
};

struct Transfer {
  int peer;  // rank
  void* data;
  size_t bytes;
};

class Comm {
 public:
  virtual ~Comm() = default;
  virtual int rank() const = 0;
  virtual int world() const = 0;
  virtual std::string library() const = 0;  // what moves the bytes, with its version
  // Sends and receives host memory; returns when all of it has arrived. Transfers from one rank to another match in the
  // order of the calls and have the same sizes on both sides. One call at a time. Throws PeerError if a rank that is
  // waited for failed, left or does not answer.
  virtual void exchange(std::span<const Transfer> sends, std::span<const Transfer> receives) = 0;
  // Tells the others that this process cannot go on, and why. Any thread may call it.
  virtual void fail(const char* why) noexcept = 0;
  // Seconds for which this process has waited for data of a rank, so far. Any thread may call it.
  virtual double waited(int rank) const = 0;
};

// Gives every rank the bytes of all ranks, the same number of each. all: [world, bytes]
inline void all_gather(Comm& comm, const void* own, size_t bytes, void* all) {
  std::vector<Transfer> sends, receives;
  const auto part = [&](int r) { return static_cast<char*>(all) + static_cast<size_t>(r) * bytes; };
  for (int r = 0; r < comm.world(); r++) {
    if (r == comm.rank()) continue;
    sends.push_back({r, const_cast<void*>(own), bytes});
    receives.push_back({r, part(r), bytes});
  }
  comm.exchange(sends, receives);
  std::memcpy(part(comm.rank()), own, bytes);
}

// The same for one value of each rank. Returns: [world]
template <class T>
std::vector<T> all_gather(Comm& comm, const T& own) {
  std::vector<T> all(static_cast<size_t>(comm.world()));
  all_gather(comm, &own, sizeof(T), all.data());
  return all;
}

// Gives the other ranks the bytes of rank 0.
inline void broadcast(Comm& comm, void* data, size_t bytes) {
  std::vector<Transfer> sends, receives;
  if (comm.rank() != 0) receives.push_back({0, data, bytes});
  for (int r = 1; comm.rank() == 0 && r < comm.world(); r++) sends.push_back({r, data, bytes});
  comm.exchange(sends, receives);
}

}  // namespace vq
