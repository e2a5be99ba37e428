// The C border: no exception crosses it, each becomes a code and a message.
#pragma once

#include <vq.h>

#include <cstdio>
#include <exception>
#include <new>
#include <utility>

#include "model/config.h"
#include "ops/comm.h"

namespace vq {

inline int report(vq_error* err, int code, const char* text) {
  if (err) std::snprintf(err->text, sizeof(err->text), "%s", text);
  return code;
}

// The code and message of an exception.
inline int report(vq_error* err, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const BadArgument& e) {
    return report(err, VQ_BAD_ARGUMENT, e.what());
  } catch (const NoMemory& e) {
    return report(err, VQ_NO_MEMORY, e.what());
  } catch (const PeerError& e) {
    return report(err, VQ_PEER_FAILED, e.what());
  } catch (const std::bad_alloc&) {
    return report(err, VQ_NO_MEMORY, "the machine has no more memory");
  } catch (const std::exception& e) {
    return report(err, VQ_FAILED, e.what());
  } catch (...) {
    return report(err, VQ_FAILED, "the engine failed for an unknown reason");
  }
}

// Throws if an argument that vq.h requires is NULL.
template <class... Pointers>
void require_pointers(const Pointers*... p) {
  require((p && ...), "an argument is NULL that must not be");
}

template <class Body>
int guarded(vq_error* err, Body&& body) {
  try {
    std::forward<Body>(body)();
    return VQ_OK;
  } catch (...) {
    return report(err, std::current_exception());
  }
}

}  // namespace vq
