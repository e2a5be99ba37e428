// The device that a test binary runs on: device_cpu.cpp or device_cuda.cpp.
#pragma once

#include <vq.h>

namespace vq::test {

int open_device(vq_device** out, vq_error* err);
// A hundred times slower than a processor should be: a few steps must do.
extern const bool kSlowDevice;

}  // namespace vq::test
