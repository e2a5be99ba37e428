// Measures the time of work on a stream. Implemented in timer.cpp; the tests have another implementation, whose time is
// set by their GEMM library (tests/cuda_sim/gemm.cpp).
#pragma once

#include "ops/cuda/stream.h"

struct CUevent_st;

namespace vq::cuda {

class Timer {
 public:
  Timer();
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void start(Stream stream);
  double stop(Stream stream);  // waits; milliseconds since start

 private:
  CUevent_st *begin_ = nullptr, *end_ = nullptr;
};

}  // namespace vq::cuda
