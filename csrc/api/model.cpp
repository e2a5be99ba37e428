// vq_model_*, vq_adapter_* and the memory plan.
#include <string>

#include "api/handles.h"
#include "api/plan.h"
#include "model/flops.h"
#include "ops/cuda/memory_needs.h"

using namespace vq;

namespace {

DType dtype_of(int32_t dtype) {
  switch (dtype) {
    case VQ_F32:
      return DType::f32;
    case VQ_BF16:
      return DType::bf16;
    case VQ_F16:
      return DType::f16;
  }
  throw BadArgument("unknown data type " + std::to_string(dtype));
}

// The memory needs of the device, or of a GPU that need not be in this machine.
template <class Body>
void with_needs(const vq_device* device, const vq_gpu* gpu, Body&& body) {
  require(!device != !gpu, "a plan is for a device or for a described GPU");
  if (device) return body(*device->device);
  require(in_range(gpu->multiprocessors, 4096), "the number of multiprocessors is out of range");
  body(cuda::CudaMemoryNeeds::of_gpu(gpu->multiprocessors, gpu->fp8 != 0));
}

}  // namespace

int vq_model_create(vq_device* d, const vq_model_config* config, int32_t precision, vq_model** out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(d, config, out);
    *out = new vq_model{d, ModelWeights(*d->device, ModelConfig(*config), dtype_of(precision))};
  });
}

void vq_model_close(vq_model* m) { delete m; }

int vq_model_set_tensor(vq_model* m, vq_tensor_kind kind, int32_t layer, const void* data, int32_t dtype, int64_t rows,
                        int64_t cols, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(m);
    m->model.set_tensor(kind, layer, data, dtype_of(dtype), rows, cols);
  });
}

int vq_model_finish(vq_model* m, int32_t for_training, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(m);
    m->device->worker.wait_idle();
    m->model.finish(for_training != 0);
  });
}

int vq_adapter_create(vq_model* m, const vq_adapter_config* config, vq_adapter** out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(m, config, out);
    *out = new vq_adapter{m->device, Adapter(m->model, *config)};
  });
}

void vq_adapter_close(vq_adapter* a) { delete a; }

int vq_adapter_write(vq_adapter* a, int32_t layer, uint32_t target, const float* A, const float* B, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(a, A, B);
    a->device->worker.wait_idle();
    a->adapter.write(layer, target, A, B);
  });
}

int vq_adapter_read(vq_adapter* a, int32_t layer, uint32_t target, float* A, float* B, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(a, A, B);
    a->device->worker.wait_idle();
    a->adapter.read(layer, target, A, B);
  });
}

int vq_plan_training(const vq_device* d, const vq_gpu* gpu, const vq_model_config* config, int32_t dtype,
                     int32_t precision, const vq_adapter_config* adapter, const vq_train_limits* limits,
                     vq_memory_plan* out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(config, limits, out);
    with_needs(d, gpu, [&](const MemoryNeeds& needs) {
      *out = plan_training(needs, ModelConfig(*config), dtype_of(dtype), dtype_of(precision), adapter, *limits);
    });
  });
}

int vq_plan_session(const vq_device* d, const vq_gpu* gpu, const vq_model_config* config, int32_t dtype,
                    int32_t precision, const vq_adapter_config* adapter, int64_t capacity, int32_t max_sequences,
                    vq_memory_plan* out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(config, out);
    with_needs(d, gpu, [&](const MemoryNeeds& needs) {
      *out = plan_session(needs, ModelConfig(*config), dtype_of(dtype), dtype_of(precision), adapter, capacity,
                          max_sequences);
    });
  });
}

int vq_training_flops(const vq_model_config* config, const vq_adapter_config* adapter, int32_t recompute_layers,
                      const int64_t* window_tokens, const int64_t* window_targets, int64_t windows, vq_flops* out,
                      vq_error* err) {
  return guarded(err, [&] {
    require_pointers(config, adapter, out);
    const ModelConfig model(*config);
    require(windows >= 0, "the number of windows is negative");
    if (windows > 0) require_pointers(window_tokens, window_targets);
    const size_t n = static_cast<size_t>(windows);
    for (size_t i = 0; i < n; i++) {
      require(window_targets[i] >= 0 && window_targets[i] <= window_tokens[i],
              "window " + std::to_string(i) + " has more targets than tokens, or a negative number");
    }
    require(recompute_layers >= 0, "the number of layers to recompute is negative");
    const TrainingFlops f =
        training_flops(model, LoraLayout(model, *adapter), recompute_layers, {window_tokens, n}, {window_targets, n});
    *out = {f.base, f.other, f.recomputed, recomputed_layers(model.layers, recompute_layers)};
  });
}
