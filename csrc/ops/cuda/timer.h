// The time that work on a stream takes. timer.cpp has it; the tests have another, whose time is what their library of
// products says (tests/cuda_sim/gemm.cpp).
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
