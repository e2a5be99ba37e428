// A stream: the order in which a GPU runs its work. The type is the CUDA runtime's, declared here so that files that
// only pass it on do not need CUDA.
#pragma once

struct CUstream_st;

namespace vq::cuda {
using Stream = CUstream_st*;
}
