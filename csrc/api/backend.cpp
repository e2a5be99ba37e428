// vq_device_open: a backend is a shared library of its own, so that the engine also runs on machines without the
// backend's driver.
#include <dlfcn.h>

#include <cstring>
#include <string>

#include "api/handles.h"

using namespace vq;

namespace {

template <class Function>
Function find(void* library, const char* path, const char* symbol) {
  void* p = dlsym(library, symbol);
  if (!p) throw Error(std::string(path) + " is not a backend of this engine: it has no " + symbol);
  return reinterpret_cast<Function>(p);
}

// The library stays loaded: what it made may outlive any handle to it.
Device* open_in(const char* path, int32_t index) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    throw Error("the backend could not be loaded: " + std::string(why ? why : path));
  }
  const auto contract = find<const char* (*)()>(library, path, "vq_backend_contract");
  if (std::strcmp(contract(), VQ_OPS_CONTRACT) != 0) {
    throw Error(std::string(path) + " was built from another version of the engine: build both together");
  }
  return find<Device* (*)(int)>(library, path, "vq_backend_open")(index);
}

}  // namespace

int vq_device_open(const char* library, int32_t index, vq_device** out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(library, out);
    if (index < 0) throw BadArgument("devices are counted from 0");
    auto made = std::make_unique<vq_device>();
    made->device.reset(open_in(library, index));
    *out = made.release();
  });
}
