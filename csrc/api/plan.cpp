#include "api/plan.h"

#include <cstdio>
#include <optional>

#include "api/guard.h"
#include "model/session.h"
#include "model/trainer.h"
#include "model/weights.h"

namespace vq {

namespace {

vq_memory_plan plan_of(const Arena& arena, const Device& device) {
  vq_memory_plan p{};
  p.adapter = arena.bytes(Purpose::parameters);
  p.gradients = arena.bytes(Purpose::gradients);
  p.optimizer = arena.bytes(Purpose::optimizer);
  p.activations = arena.bytes(Purpose::activations);
  p.workspace = arena.bytes(Purpose::workspace);
  p.device_scratch = arena.device_workspace();
  p.host = arena.host_bytes();
  p.total = arena.total() - (device.info().discrete_memory ? p.host : 0);
  return p;
}

// Adds the model's weights and the adapter's parameters.
void add_model(vq_memory_plan& p, Device& device, const ModelConfig& config, DType file, DType compute,
               bool for_training, const LoraLayout* adapter) {
  const WeightBytes weights = ModelWeights::count_bytes(device, config, file, compute, for_training);
  const uint64_t parameters = adapter ? adapter->floats() * sizeof(float) : 0;
  p.weights_mapped = weights.borrowed;
  p.weights_prepared = weights.owned;
  p.adapter += parameters;
  p.total += weights.borrowed + weights.owned + parameters;
}

std::optional<LoraLayout> layout_of(const ModelConfig& config, const vq_adapter_config* adapter) {
  if (!adapter) return std::nullopt;
  return LoraLayout(config, *adapter);
}

}  // namespace

vq_memory_plan plan_trainer(Device& device, const ModelConfig& config, DType compute, const LoraLayout* adapter,
                            const vq_train_limits& limits, bool for_training) {
  check(limits);
  Arena counted(device, Arena::Mode::count);
  TrainerBuffers(counted, device, config, compute, adapter, limits, for_training);
  return plan_of(counted, device);
}

vq_memory_plan plan_training(Device& device, const ModelConfig& config, DType file, DType compute,
                             const vq_adapter_config* adapter, const vq_train_limits& limits) {
  const std::optional<LoraLayout> layout = layout_of(config, adapter);
  const LoraLayout* known = layout ? &*layout : nullptr;
  vq_memory_plan p = plan_trainer(device, config, compute, known, limits, adapter != nullptr);
  add_model(p, device, config, file, compute, adapter != nullptr, known);
  return p;
}

void check_session(int64_t capacity, int32_t sequences) {
  if (capacity < 1 || capacity > 1 << 24) throw BadArgument("the capacity of a session is out of range");
  if (sequences < 1 || sequences > 1 << 16) throw BadArgument("the number of sequences is out of range");
}

vq_memory_plan plan_session_alone(Device& device, const ModelConfig& config, DType compute, const LoraLayout* adapter,
                                  int64_t capacity, int32_t sequences) {
  check_session(capacity, sequences);
  Arena counted(device, Arena::Mode::count);
  SessionBuffers(counted, device, config, compute, adapter, capacity, sequences);
  vq_memory_plan p = plan_of(counted, device);
  const uint64_t packed = adapter ? PackedLora::count_bytes(device, *adapter, config.layers, compute) : 0;
  p.adapter += packed;
  p.total += packed;
  return p;
}

vq_memory_plan plan_session(Device& device, const ModelConfig& config, DType file, DType compute,
                            const vq_adapter_config* adapter, int64_t capacity, int32_t sequences) {
  const std::optional<LoraLayout> layout = layout_of(config, adapter);
  const LoraLayout* known = layout ? &*layout : nullptr;
  vq_memory_plan p = plan_session_alone(device, config, compute, known, capacity, sequences);
  add_model(p, device, config, file, compute, false, known);
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

void require_memory(Device& device, const vq_memory_plan& plan) {
  const uint64_t available = device.info().memory_available;
  if (plan.total > available) throw NoMemory(describe_shortage(plan, available));
}

}  // namespace vq
