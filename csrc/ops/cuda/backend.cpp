// What the engine finds in the shared library that has the CUDA device.
#include "ops/cuda/device.h"

// The contract that this library was built with: a checksum of ops/ops.h.
extern "C" const char* vq_backend_contract() { return VQ_OPS_CONTRACT; }

extern "C" vq::Device* vq_backend_open(int index) { return new vq::cuda::CudaDevice(index); }
