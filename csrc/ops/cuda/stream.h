// The order in which a card does its work. The type is the CUDA runtime's, named here so that the files that only pass
// it on need no CUDA.
#pragma once

struct CUstream_st;

namespace vq::cuda {
using Stream = CUstream_st*;
}
