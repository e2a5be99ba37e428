#include "model/lora.h"

#include <cmath>
#include <string>
#include <tuple>

#include "model/finite.h"

namespace vq {

namespace {
constexpr unsigned kDecodeUses = use_forward | use_decode;
}

Adapter::Adapter(const ModelWeights& model, const vq_adapter_config& config)
    : model_(model), layout_(model.config(), config), arena_(model.device()) {
  model.require_finished();
  parameters_ = arena_.array<float>(Purpose::parameters, layout_.floats());
}

void Adapter::write(int layer, unsigned target, const float* a, const float* b) {
  const LoraLayout::Pair p = layout_.pair(layer, target);
  Pool caller(1);
  for (const auto& [name, data, n] : {std::tuple("A", a, p.a_floats), std::tuple("B", b, p.b_floats)}) {
    const int64_t at = first_not_finite(data, DType::f32, n, caller);
    if (at < 0) continue;
    throw Error(std::string(name) + " of the adapter's " + target_name(target) + " of layer " + std::to_string(layer) +
                ": element " + std::to_string(at) + (std::isnan(data[at]) ? " is NaN" : " is infinite") +
                ": the adapter is corrupt, or comes from training that diverged: use an earlier checkpoint");
  }
  mark_changed();
  model_.device().upload(parameters_ + p.a_offset, a, p.a_floats * sizeof(float));
  model_.device().upload(parameters_ + p.b_offset, b, p.b_floats * sizeof(float));
}

void Adapter::read(int layer, unsigned target, float* a, float* b) const {
  const LoraLayout::Pair p = layout_.pair(layer, target);
  model_.device().download(a, parameters_ + p.a_offset, p.a_floats * sizeof(float));
  model_.device().download(b, parameters_ + p.b_offset, p.b_floats * sizeof(float));
}

namespace {
void* at(const FlatVector& flat, int64_t offset) {
  return static_cast<char*>(flat.data) + (offset - flat.first) * static_cast<int64_t>(size_of(flat.dtype));
}
}  // namespace

Tensor stacked_a(const FlatVector& flat, const LoraLayout& layout, int layer, const LoraGroup& g) {
  return {at(flat, layout.layer_offset(layer) + g.a_offset), flat.dtype, g.ranks, g.in, g.in};
}

Tensor matrix_b(const FlatVector& flat, const LoraLayout& layout, int layer, const LoraPart& p) {
  return {at(flat, layout.layer_offset(layer) + p.b_offset), flat.dtype, p.out, layout.rank(), layout.rank()};
}

FlatVector TrainableLora::operands(int layer) const {
  if (!cast_) return {adapter_.parameters(), DType::f32};
  const int64_t n = layout().layer_floats(), first = layout().layer_offset(layer);
  if (layer != cast_layer_ || cast_version_ != adapter_.version()) {
    device_.copy({cast_, compute_, 1, n, n}, {adapter_.parameters() + first, DType::f32, 1, n, n});
    cast_layer_ = layer;
    cast_version_ = adapter_.version();
  }
  return {cast_, compute_, first};
}

void TrainableLora::down_project(const Tensor& z, const Tensor& x, int layer, Input input) const {
  const LoraGroup& g = layout().group(layer, input);
  device_.matmul(z, x, false, stacked_a(operands(layer), layout(), layer, g), true, 1, false, compute_);
}

void TrainableLora::up_project(const Tensor& y, const Tensor& z, int layer, Input input) const {
  const LoraGroup& g = layout().group(layer, input);
  for (int i = 0; i < g.count; i++) {
    const LoraPart& p = g.parts[i];
    device_.matmul(y.columns(p.column, p.out), z.columns(p.rank_row, layout().rank()), false,
                   matrix_b(operands(layer), layout(), layer, p), true, layout().config().scale, true, compute_);
  }
}

PackedLora::PackedLora(Device& device, const Adapter& adapter, DType compute)
    : device_(device), layout_(adapter.layout()), layers_(adapter.model().config().layers) {
  std::vector<float> host;
  const FlatVector parameters{adapter.parameters(), DType::f32};
  const auto pack = [&](const Tensor& t, float scale) {
    host.resize(t.rows * t.cols);
    device.download(host.data(), t.data, host.size() * sizeof(float));
    for (float& x : host) x *= scale;
    const WeightBlock block{host.data(), DType::f32, t.rows};
    return std::unique_ptr<Weight>(device.make_weight({&block, 1}, t.cols, compute, kDecodeUses | use_copy));
  };
  for (int l = 0; l < static_cast<int>(layers_.size()); l++) {
    for (int input = 0; input < input_count; input++) {
      const LoraGroup& g = layout_.group(l, static_cast<Input>(input));
      if (g.count == 0) continue;
      layers_[l][input].a = pack(stacked_a(parameters, layout_, l, g), 1);
      for (int i = 0; i < g.count; i++) {
        layers_[l][input].b[i] = pack(matrix_b(parameters, layout_, l, g.parts[i]), layout_.config().scale);
      }
    }
  }
}

void PackedLora::down_project(const Tensor& z, const Tensor& x, int layer, Input input) const {
  device_.linear(z, x, *layers_[layer][input].a, nullptr);
}

void PackedLora::up_project(const Tensor& y, const Tensor& z, int layer, Input input) const {
  const LoraGroup& g = layout_.group(layer, input);
  for (int i = 0; i < g.count; i++) {
    const Tensor slice = y.columns(g.parts[i].column, g.parts[i].out);
    device_.linear(slice, z.columns(g.parts[i].rank_row, layout_.rank()), *layers_[layer][input].b[i], &slice);
  }
}

size_t PackedLora::count_bytes(const MemoryNeeds& needs, const LoraLayout& layout, int layers, DType compute) {
  size_t sum = 0;
  const auto add = [&](int64_t rows, int64_t cols) {
    const WeightBlock block{nullptr, DType::f32, rows};
    sum += needs.weight_bytes({&block, 1}, cols, compute, kDecodeUses | use_copy).owned;
  };
  for (int l = 0; l < layers; l++) {
    for (int input = 0; input < input_count; input++) {
      const LoraGroup& g = layout.group(l, static_cast<Input>(input));
      if (g.count == 0) continue;
      add(g.ranks, g.in);
      for (int i = 0; i < g.count; i++) add(g.parts[i].out, layout.rank());
    }
  }
  return sum;
}

}  // namespace vq
