// The CPU with kernels that use no vector instructions: another implementation of the contract on every machine.
#include "api/handles.h"
#include "ops/cpu/device.h"
#include "tests/device.h"

const bool vq::test::kSlowDevice = false;

int vq::test::open_linked_device(vq_device** out, vq_error* err) {
  return guarded(err, [&] {
    auto made = std::make_unique<vq_device>();
    made->device = std::make_unique<cpu::CpuDevice>(*cpu::generic_kernels(), 2, 1);
    *out = made.release();
  });
}
