// Memory before it is taken: the same code as the taking, with a Memory that only counts.
#pragma once

#include <new>
#include <string>

#include "model/config.h"

namespace vq {

// adapter may be null.
vq_memory_plan plan_training(Device& device, const Shape& shape, DType file, DType compute,
                             const vq_adapter_config* adapter, const vq_train_limits& limits);
vq_memory_plan plan_session(Device& device, const Shape& shape, DType file, DType compute,
                            const vq_adapter_config* adapter, int64_t capacity, int32_t sequences);

// What a trainer or a session takes beside model and adapter.
vq_memory_plan plan_trainer(Device& device, const Shape& shape, DType compute, const AdapterLayout* adapter,
                            const vq_train_limits& limits, bool for_training);
vq_memory_plan plan_session_alone(Device& device, const Shape& shape, DType compute, const AdapterLayout* adapter,
                                  int64_t capacity, int32_t sequences);
void check_session(int64_t capacity, int32_t sequences);  // throws BadArgument

// Throws NoMemory with the plan's figures when it does not fit.
void require_memory(Device& device, const vq_memory_plan& plan);
// Runs what takes the plan's memory. If it cannot be had after all the message has the plan's figures too.
template <class Body>
void taking(Device& device, const vq_memory_plan& plan, Body&& body);
// The message of it.
std::string describe_shortage(const vq_memory_plan& plan, uint64_t available);

template <class Body>
void taking(Device& device, const vq_memory_plan& plan, Body&& body) {
  std::string lacking;
  try {
    body();
    return;
  } catch (const std::bad_alloc&) {
  } catch (const NoMemory& e) {
    lacking = std::string("; ") + e.what();
  }
  throw NoMemory(describe_shortage(plan, device.info().memory_available) + lacking);
}

}  // namespace vq
