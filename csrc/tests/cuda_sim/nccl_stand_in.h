// A library with the symbols of libnccl.so.2, for the CUDA simulator: ranks are threads of one process.
#pragma once

#include "ops/cuda/stream.h"

// What tests set, each thread for itself.
struct NcclStandIn {
  int version;
  int async_error;
  int aborted;  // comms
};
// In the loaded library, by dlsym. synchronize: the simulator's, which does the work that is queued.
extern "C" NcclStandIn* vq_nccl_stand_in(void (*synchronize)(vq::cuda::Stream));
