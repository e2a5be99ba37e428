// Communication between the processes of one training run. Each process has a rank, from 0; their number is the world.
//
// Bytes are all that is moved: the order of every sum is decided by the code above (model/sharded_update.h), so that it
// does not depend on the number of processes.
#pragma once

#include <cstddef>
#include <span>
#include <string>

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

}  // namespace vq
