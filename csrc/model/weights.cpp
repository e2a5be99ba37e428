#include "model/weights.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "model/finite.h"
#include "ops/float_bits.h"

namespace vq {

namespace {

struct TensorShape {
  const char* name;
  int64_t rows, cols;
  bool per_layer;
};

TensorShape shape_of(const ModelConfig& c, vq_tensor_kind kind) {
  switch (kind) {
    case VQ_EMBEDDING:
      return {"the embedding", c.vocab, c.hidden, false};
    case VQ_FINAL_NORM:
      return {"the final norm", 1, c.hidden, false};
    case VQ_OUTPUT:
      return {"the output projection", c.vocab, c.hidden, false};
    case VQ_ATTENTION_NORM:
      return {"the attention norm", 1, c.hidden, true};
    case VQ_MLP_NORM:
      return {"the MLP norm", 1, c.hidden, true};
    case VQ_QUERY_NORM:
      return {"the query norm", 1, c.head_dim, true};
    case VQ_KEY_NORM:
      return {"the key norm", 1, c.head_dim, true};
    case VQ_Q:
      return {"q", c.q_size(), c.hidden, true};
    case VQ_K:
      return {"k", c.kv_size(), c.hidden, true};
    case VQ_V:
      return {"v", c.kv_size(), c.hidden, true};
    case VQ_O:
      return {"o", c.hidden, c.q_size(), true};
    case VQ_GATE:
      return {"gate", c.ffn, c.hidden, true};
    case VQ_UP:
      return {"up", c.ffn, c.hidden, true};
    case VQ_DOWN:
      return {"down", c.hidden, c.ffn, true};
  }
  throw BadArgument("unknown tensor kind");
}

std::string described(const ModelConfig& c, vq_tensor_kind kind, int layer) {
  const TensorShape k = shape_of(c, kind);
  return k.per_layer ? std::string(k.name) + " of layer " + std::to_string(layer) : k.name;
}

// A weight of the device: which tensors are stacked in it, and for what it is used.
struct WeightRecipe {
  std::vector<vq_tensor_kind> kinds;
  int layer;
  unsigned uses;
  WeightFormat format;
  std::unique_ptr<Weight> LayerWeights::*layer_member;  // null for the embedding and the output
};

// Every weight of a model, in the order of use.
std::vector<WeightRecipe> recipes(const ModelConfig& c, bool for_training) {
  const unsigned gemm = use_forward | (for_training ? use_backward : use_decode);
  std::vector<WeightRecipe> all;
  const auto plain = WeightFormat::plain;
  all.push_back({{VQ_EMBEDDING}, 0, use_gather | (c.tied ? gemm : 0u), plain, nullptr});
  for (int l = 0; l < c.layers; l++) {
    if (l + 1 < c.layers) {
      all.push_back({{VQ_Q, VQ_K, VQ_V}, l, gemm, c.format, &LayerWeights::qkv});
    } else {
      all.push_back({{VQ_Q}, l, gemm, c.format, &LayerWeights::query});
      all.push_back({{VQ_K, VQ_V}, l, gemm, c.format, &LayerWeights::kv});
    }
    all.push_back({{VQ_O}, l, gemm, c.format, &LayerWeights::o});
    all.push_back({{VQ_GATE, VQ_UP}, l, gemm, c.format, &LayerWeights::gate_up});
    all.push_back({{VQ_DOWN}, l, gemm, c.format, &LayerWeights::down});
  }
  if (!c.tied) all.push_back({{VQ_OUTPUT}, 0, gemm, plain, nullptr});
  return all;
}

std::string named(const ModelConfig& c, const WeightRecipe& r) {
  std::string names;
  for (vq_tensor_kind kind : r.kinds) names += (names.empty() ? "" : ", ") + std::string(shape_of(c, kind).name);
  return r.layer_member ? names + " of layer " + std::to_string(r.layer) : names;
}

}  // namespace

ModelWeights::ModelWeights(Device& device, const ModelConfig& config, DType compute)
    : device_(device), config_(config), compute_(compute), arena_(device), layers_(config.layers) {
  if (compute == DType::f16) throw BadArgument("the compute type is f32 or bf16");
}

void ModelWeights::set_tensor(vq_tensor_kind kind, int layer, const void* data, DType dtype, int64_t rows,
                              int64_t cols) {
  const TensorShape want = shape_of(config_, kind);
  if (finished_) throw BadArgument("the model is already finished");
  if (kind == VQ_OUTPUT && config_.tied)
    throw BadArgument("a model with tied embeddings has no output projection of its own");
  if (want.per_layer && (layer < 0 || layer >= config_.layers)) {
    throw BadArgument("the model has no layer " + std::to_string(layer));
  }
  if (!want.per_layer) layer = 0;
  // A vector may be a row or a column.
  const bool vector = want.rows == 1 && ((rows == 1 && cols == want.cols) || (cols == 1 && rows == want.cols));
  if (!vector && (rows != want.rows || cols != want.cols)) {
    throw BadArgument(described(config_, kind, layer) + " is " + std::to_string(rows) + " x " + std::to_string(cols) +
                      ", the configuration says " + std::to_string(want.rows) + " x " + std::to_string(want.cols));
  }
  require(data, described(config_, kind, layer) + " has no data");
  if (reinterpret_cast<uintptr_t>(data) % size_of(dtype) != 0) {
    throw BadArgument(described(config_, kind, layer) + " is not aligned to its elements");
  }
  tensors_[{kind, layer}] = {data, dtype, want.rows, want.cols};
}

const ModelWeights::FileTensor& ModelWeights::tensor(vq_tensor_kind kind, int layer) const {
  const auto found = tensors_.find({kind, layer});
  if (found == tensors_.end()) throw BadArgument(described(config_, kind, layer) + " is missing");
  return found->second;
}

void ModelWeights::finish(bool for_training) {
  if (finished_) throw BadArgument("the model is already finished");
  const std::vector<WeightRecipe> all = recipes(config_, for_training);
  // Check that every tensor is there before preparing any.
  for (const WeightRecipe& r : all) {
    for (vq_tensor_kind kind : r.kinds) tensor(kind, r.layer);
  }
  for (int l = 0; l < config_.layers; l++) {
    for (vq_tensor_kind kind : {VQ_ATTENTION_NORM, VQ_MLP_NORM, VQ_QUERY_NORM, VQ_KEY_NORM}) tensor(kind, l);
  }
  Pool threads(device_.capabilities().discrete_memory ? usable_processors() : device_.info().threads);
  for (const auto& [key, t] : tensors_) {
    if (t.rows == 1) require_finite(static_cast<vq_tensor_kind>(key.first), key.second, threads);
  }
  final_norm_ = upload_norm(VQ_FINAL_NORM, 0);
  for (int l = 0; l < config_.layers; l++) {
    layers_[l].attention_norm = upload_norm(VQ_ATTENTION_NORM, l);
    layers_[l].mlp_norm = upload_norm(VQ_MLP_NORM, l);
    layers_[l].query_norm = upload_norm(VQ_QUERY_NORM, l);
    layers_[l].key_norm = upload_norm(VQ_KEY_NORM, l);
  }
  for (const WeightRecipe& r : all) {
    std::vector<WeightBlock> blocks;
    for (vq_tensor_kind kind : r.kinds) {
      require_finite(kind, r.layer, threads);  // just before they are read again
      const FileTensor& t = tensor(kind, r.layer);
      blocks.push_back({t.data, t.dtype, t.rows});
    }
    std::unique_ptr<Weight> made;
    try {
      made.reset(device_.make_weight(blocks, shape_of(config_, r.kinds[0]).cols, compute_, r.uses, r.format));
    } catch (const Error& e) {
      throw Error(named(config_, r) + ": " + e.what());
    }
    if (r.layer_member) {
      layers_[r.layer].*r.layer_member = std::move(made);
    } else {
      (r.kinds[0] == VQ_EMBEDDING ? embedding_ : output_) = std::move(made);
    }
  }
  for_training_ = for_training;
  finished_ = true;
}

void ModelWeights::require_finite(vq_tensor_kind kind, int layer, Pool& threads) const {
  const FileTensor& t = tensor(kind, layer);
  const int64_t at = first_not_finite(t.data, t.dtype, t.rows * t.cols, threads);
  if (at < 0) return;
  const float x = element(t.data, t.dtype, at);
  std::string where = "element " + std::to_string(at % t.cols);
  if (t.rows > 1) where += " of row " + std::to_string(at / t.cols);
  throw Error(described(config_, kind, layer) + ": " + where + (std::isnan(x) ? " is NaN" : " is infinite") +
              ": the weights are corrupt, or come from training that diverged: copy or download them again");
}

void ModelWeights::require_finished() const {
  if (!finished_) throw BadArgument("the model is not finished");
}

const float* ModelWeights::upload_norm(vq_tensor_kind kind, int layer) {
  const FileTensor& t = tensor(kind, layer);
  std::vector<float> values(t.cols);
  for (int64_t i = 0; i < t.cols; i++) values[i] = element(t.data, t.dtype, i);
  float* p = arena_.array<float>(Purpose::parameters, t.cols);
  device_.upload(p, values.data(), values.size() * sizeof(float));
  return p;
}

WeightBytes ModelWeights::count_bytes(const MemoryNeeds& needs, const ModelConfig& config, DType file, DType compute,
                                      bool for_training) {
  WeightBytes sum;
  for (const WeightRecipe& r : recipes(config, for_training)) {
    std::vector<WeightBlock> blocks;
    for (vq_tensor_kind kind : r.kinds) blocks.push_back({nullptr, file, shape_of(config, kind).rows});
    const WeightBytes b = needs.weight_bytes(blocks, shape_of(config, r.kinds[0]).cols, compute, r.uses, r.format);
    sum.owned += b.owned;
    sum.borrowed += b.borrowed;
    sum.scratch = std::max(sum.scratch, b.scratch);
  }
  sum.owned +=
      (config.hidden * (1 + 2 * config.layers) + 2 * config.head_dim * config.layers) * sizeof(float);  // norms
  return sum;
}

}  // namespace vq
