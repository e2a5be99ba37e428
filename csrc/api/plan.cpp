#include "api/plan.h"

#include <cstdio>
#include <optional>

#include "api/guard.h"
#include "model/session.h"
#include "model/trainer.h"
#include "model/weights.h"

namespace vq {

namespace {

vq_memory_plan plan_of(const Arena& arena) {
  vq_memory_plan p{};
  p.adapter = arena.bytes(Purpose::parameters);
  p.gradients = arena.bytes(Purpose::gradients);
  p.optimizer = arena.bytes(Purpose::optimizer);
  p.activations = arena.bytes(Purpose::activations);
  p.workspace = arena.bytes(Purpose::workspace);
  p.total = arena.total();
  p.host = arena.host_bytes();
  return p;
}

// Adds what a run takes in addition to its trainer or session.
void add_model(vq_memory_plan& p, const MemoryNeeds& needs, const ModelConfig& config, DType file, DType compute,
               bool for_training, const LoraLayout* lora) {
  const WeightBytes weights = ModelWeights::count_bytes(needs, config, file, compute, for_training);
  const uint64_t parameters = lora ? lora->floats() * sizeof(float) : 0;
  p.weights = weights.borrowed + weights.owned;
  p.mapped = weights.borrowed;
  p.adapter += parameters;
  p.workspace += weights.scratch;
  p.driver = needs.driver_bytes();
  p.total += p.weights + parameters + weights.scratch + p.driver;
}

std::optional<LoraLayout> layout_of(const ModelConfig& config, const vq_adapter_config* adapter) {
  if (!adapter) return std::nullopt;
  return LoraLayout(config, *adapter);
}

}  // namespace

vq_memory_plan plan_trainer(const MemoryNeeds& needs, const ModelConfig& config, DType compute, const LoraLayout* lora,
                            const vq_train_limits& limits, bool for_training) {
  check(limits);
  Arena counted = Arena::counting(needs);
  TrainerBuffers(counted, config, compute, lora, limits, for_training);
  return plan_of(counted);
}

vq_memory_plan plan_training(const MemoryNeeds& needs, const ModelConfig& config, DType file, DType compute,
                             const vq_adapter_config* adapter, const vq_train_limits& limits) {
  const std::optional<LoraLayout> layout = layout_of(config, adapter);
  const LoraLayout* lora = layout ? &*layout : nullptr;
  vq_memory_plan p = plan_trainer(needs, config, compute, lora, limits, adapter != nullptr);
  add_model(p, needs, config, file, compute, adapter != nullptr, lora);
  return p;
}

vq_memory_plan plan_session_alone(const MemoryNeeds& needs, const ModelConfig& config, DType compute,
                                  const LoraLayout* lora, int64_t capacity, int32_t sequences) {
  require(in_range(capacity, 1 << 24), "the capacity of a session is out of range");
  require(in_range(sequences, 1 << 16), "the number of sequences is out of range");
  Arena counted = Arena::counting(needs);
  SessionBuffers(counted, config, compute, lora, capacity, sequences);
  vq_memory_plan p = plan_of(counted);
  const uint64_t packed = lora ? PackedLora::count_bytes(needs, *lora, config.layers, compute) : 0;
  p.adapter += packed;
  p.total += packed;
  return p;
}

vq_memory_plan plan_session(const MemoryNeeds& needs, const ModelConfig& config, DType file, DType compute,
                            const vq_adapter_config* adapter, int64_t capacity, int32_t sequences) {
  const std::optional<LoraLayout> layout = layout_of(config, adapter);
  const LoraLayout* lora = layout ? &*layout : nullptr;
  vq_memory_plan p = plan_session_alone(needs, config, compute, lora, capacity, sequences);
  add_model(p, needs, config, file, compute, false, lora);
  return p;
}

std::string describe_shortage(const vq_memory_plan& p, uint64_t available) {
  const auto gib = [](uint64_t bytes) { return static_cast<double>(bytes) / (1 << 30); };
  char text[400];
  std::snprintf(
      text, sizeof(text),
      "%.2f GiB more memory is needed and %.2f GiB is available (gradients %.2f, optimizer %.2f, adapter %.2f, "
      "activations or cache %.2f, workspace %.2f GiB)",
      gib(p.total), gib(available), gib(p.gradients), gib(p.optimizer), gib(p.adapter), gib(p.activations),
      gib(p.workspace));
  return text;
}

void require_memory(const Device& device, const vq_memory_plan& plan) {
  const uint64_t available = device.info().memory_available;
  if (plan.total > available) throw NoMemory(describe_shortage(plan, available));
}

}  // namespace vq
