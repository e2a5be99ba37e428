#include "api/handles.h"
#include "ops/cuda/device.h"
#include "tests/device.h"

const bool vq::test::kSlowDevice = !VQ_ON_GPU;

int vq::test::open_linked_device(vq_device** out, vq_error* err) {
  return guarded(err, [&] {
    auto made = std::make_unique<vq_device>();
    made->device = std::make_unique<cuda::CudaDevice>(0);
    *out = made.release();
  });
}
