#include "api/plan.h"

#include <cstdio>
#include <optional>

#include "api/guard.h"
#include "model/session.h"
#include "model/trainer.h"
#include "model/weights.h"

namespace vq {

namespace {

vq_memory_plan plan_of(const Memory& memory, const Device& device) {
  vq_memory_plan p{};
  p.adapter = memory.bytes(Purpose::parameters);
  p.gradients = memory.bytes(Purpose::gradients);
  p.optimizer = memory.bytes(Purpose::optimizer);
  p.activations = memory.bytes(Purpose::activations);
  p.workspace = memory.bytes(Purpose::workspace);
  p.device_scratch = memory.device_workspace();
  p.host = memory.host_bytes();
  p.total = memory.total() - (device.info().discrete_memory ? p.host : 0);
  return p;
}

// Adds the model's weights and the adapter's parameters.
void add_model(vq_memory_plan& p, Device& device, const Shape& shape, DType file, DType compute, bool for_training,
               const AdapterLayout* adapter) {
  const WeightBytes weights = Model::plan(device, shape, file, compute, for_training);
  const uint64_t parameters = adapter ? adapter->floats() * sizeof(float) : 0;
  p.weights_mapped = weights.borrowed;
  p.weights_prepared = weights.owned;
  p.adapter += parameters;
  p.total += weights.borrowed + weights.owned + parameters;
}

std::optional<AdapterLayout> layout_of(const Shape& shape, const vq_adapter_config* adapter) {
  if (!adapter) return std::nullopt;
  return AdapterLayout(shape, *adapter);
}

}  // namespace

vq_memory_plan plan_trainer(Device& device, const Shape& shape, DType compute, const AdapterLayout* adapter,
                            const vq_train_limits& limits, bool for_training) {
  check(limits);
  Memory counted(device, Memory::Mode::count);
  TrainerBuffers(counted, device, shape, compute, adapter, limits, for_training);
  return plan_of(counted, device);
}

vq_memory_plan plan_training(Device& device, const Shape& shape, DType file, DType compute,
                             const vq_adapter_config* adapter, const vq_train_limits& limits) {
  const std::optional<AdapterLayout> layout = layout_of(shape, adapter);
  const AdapterLayout* known = layout ? &*layout : nullptr;
  vq_memory_plan p = plan_trainer(device, shape, compute, known, limits, adapter != nullptr);
  add_model(p, device, shape, file, compute, adapter != nullptr, known);
  return p;
}

void check_session(int64_t capacity, int32_t sequences) {
  if (capacity < 1 || capacity > 1 << 24) throw BadArgument("the capacity of a session is out of range");
  if (sequences < 1 || sequences > 1 << 16) throw BadArgument("the number of sequences is out of range");
}

vq_memory_plan plan_session_alone(Device& device, const Shape& shape, DType compute, const AdapterLayout* adapter,
                                  int64_t capacity, int32_t sequences) {
  check_session(capacity, sequences);
  Memory counted(device, Memory::Mode::count);
  SessionBuffers(counted, device, shape, compute, adapter, capacity, sequences);
  vq_memory_plan p = plan_of(counted, device);
  const uint64_t prepared = adapter ? PreparedLowRank::plan(device, *adapter, shape.layers, compute) : 0;
  p.adapter += prepared;
  p.total += prepared;
  return p;
}

vq_memory_plan plan_session(Device& device, const Shape& shape, DType file, DType compute,
                            const vq_adapter_config* adapter, int64_t capacity, int32_t sequences) {
  const std::optional<AdapterLayout> layout = layout_of(shape, adapter);
  const AdapterLayout* known = layout ? &*layout : nullptr;
  vq_memory_plan p = plan_session_alone(device, shape, compute, known, capacity, sequences);
  add_model(p, device, shape, file, compute, false, known);
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
