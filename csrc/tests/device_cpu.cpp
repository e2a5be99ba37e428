#include "tests/device.h"

const bool vq::test::kSlowDevice = false;

int vq::test::open_linked_device(vq_device** out, vq_error* err) { return vq_device_open_cpu(2, out, err); }
