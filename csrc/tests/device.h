// The device that a test binary runs on.
#pragma once

#include <vq.h>

namespace vq::test {

// Opens the backend library named by VQ_TEST_BACKEND; without that, the device that the binary is linked with.
int open_device(vq_device** out, vq_error* err);

// device_cpu.cpp, device_generic.cpp or device_cuda.cpp.
int open_linked_device(vq_device** out, vq_error* err);
// The linked device is a hundred times slower than a processor: tests use only a few steps.
extern const bool kSlowDevice;

}  // namespace vq::test
