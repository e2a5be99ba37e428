// The symbols that the engine looks up in the shared library of the CUDA device.
#include "ops/cuda/device.h"

// The version of the contract that this library was built with: a checksum of its headers.
extern "C" const char* vq_backend_contract() { return VQ_OPS_CONTRACT; }

extern "C" vq::Device* vq_backend_open(int index) { return new vq::cuda::CudaDevice(index); }
