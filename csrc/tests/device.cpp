#include "tests/device.h"

#include <cstdlib>

int vq::test::open_device(vq_device** out, vq_error* err) {
  const char* library = std::getenv("VQ_TEST_BACKEND");
  return library && *library ? vq_device_open(library, 0, out, err) : open_linked_device(out, err);
}
