// Memory plans: the code that allocates, run with an Arena that only counts.
#pragma once

#include <new>
#include <string>

#include "model/lora_layout.h"

namespace vq {

// adapter may be null.
vq_memory_plan plan_training(const MemoryNeeds& needs, const ModelConfig& config, DType file, DType compute,
                             const vq_adapter_config* adapter, const vq_train_limits& limits);
vq_memory_plan plan_session(const MemoryNeeds& needs, const ModelConfig& config, DType file, DType compute,
                            const vq_adapter_config* adapter, int64_t capacity, int32_t sequences);

// What a trainer or a session takes in addition to model, adapter and driver.
vq_memory_plan plan_trainer(const MemoryNeeds& needs, const ModelConfig& config, DType compute, const LoraLayout* lora,
                            const vq_train_limits& limits, bool for_training);
vq_memory_plan plan_session_alone(const MemoryNeeds& needs, const ModelConfig& config, DType compute,
                                  const LoraLayout* lora, int64_t capacity, int32_t sequences);

// Throws NoMemory with the plan's figures if it does not fit.
void require_memory(const Device& device, const vq_memory_plan& plan);
std::string describe_shortage(const vq_memory_plan& plan, uint64_t available);

// Runs body, which allocates the plan's memory. If an allocation fails all the same, the error has the plan's figures.
template <class Body>
void allocating(const Device& device, const vq_memory_plan& plan, Body&& body) {
  std::string cause;
  try {
    body();
    return;
  } catch (const std::bad_alloc&) {
  } catch (const NoMemory& e) {
    cause = std::string("; ") + e.what();
  }
  throw NoMemory(describe_shortage(plan, device.info().memory_available) + cause);
}

}  // namespace vq
