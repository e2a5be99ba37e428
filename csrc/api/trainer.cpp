// vq_trainer_*.
#include <cmath>
#include <string>
#include <utility>

#include "api/handles.h"
#include "api/plan.h"

using namespace vq;

namespace {

void check_slot(int32_t slot) {
  if (slot != 0 && slot != 1) throw BadArgument("there is no batch slot " + std::to_string(slot));
}

void check(const vq_update& u) {
  const auto share = [](float x) { return x >= 0 && x < 1; };
  require(u.normalizer > 0 && std::isfinite(u.normalizer), "the normalizer must be positive and finite");
  require(u.step >= 1, "steps are counted from 1");
  require(std::isfinite(u.learning_rate), "the learning rate is not finite");
  require(share(u.beta1) && share(u.beta2), "AdamW's betas must be at least 0 and below 1");
  require(u.epsilon >= 0 && std::isfinite(u.epsilon), "AdamW's epsilon is out of range");
  require(std::isfinite(u.weight_decay), "the weight decay is not finite");
  require(u.max_grad_norm >= 0, "the maximum gradient norm is negative or NaN");
}

vq_trainer* create(vq_model* m, vq_adapter* adapter, const vq_train_limits& limits, bool for_training, Comm* comm) {
  m->device->worker.wait_idle();
  m->model.require_finished();
  if (adapter && &adapter->adapter.model() != &m->model) throw BadArgument("the adapter belongs to another model");
  if (for_training && !adapter) throw BadArgument("training needs an adapter");
  if (for_training && !m->model.for_training()) throw BadArgument("the model was not finished for training");
  Adapter* a = adapter ? &adapter->adapter : nullptr;
  Device& device = *m->device->device;
  const vq_memory_plan plan =
      plan_trainer(device, m->model.config(), m->model.compute(), a ? &a->layout() : nullptr, limits, for_training);
  require_memory(device, plan);
  vq_trainer* made = nullptr;
  allocating(device, plan, [&] {
    made = new vq_trainer{m->device, comm, Trainer(m->model, a, limits, for_training, comm)};
  });
  return made;
}

// Tells the other processes of a failure here; one that came from there is known to them.
void pass_on(Comm* comm, const std::exception_ptr& failure) noexcept {
  if (!comm) return;
  vq_error err{};
  if (report(&err, failure) != VQ_PEER_FAILED) comm->fail(err.text);
}

// Drops everything that is queued. The adapter stays as it is.
void discard_step(vq_trainer* t) {
  t->device->worker.wait_idle();
  t->step_failure = nullptr;
  t->failure = {};
  t->trainer.zero_grad();
}

}  // namespace

int vq_trainer_create(vq_model* m, vq_adapter* adapter, const vq_train_limits* limits, int32_t for_training,
                      vq_trainer** out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(m, limits, out);
    require(limits->ranks <= 1, "a trainer that several processes share needs their comm");
    *out = create(m, adapter, *limits, for_training != 0, nullptr);
  });
}

int vq_trainer_create_sharded(vq_model* m, vq_adapter* adapter, const vq_train_limits* limits, vq_comm* comm,
                              vq_trainer** out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(m, adapter, limits, comm, out);
    require(limits->ranks == comm->comm->world(), "the limits are for another number of processes than the comm has");
    *out = create(m, adapter, *limits, true, comm->comm.get());
  });
}

void vq_trainer_close(vq_trainer* t) {
  if (t) t->device->worker.wait_idle();
  delete t;
}

int vq_trainer_batch(vq_trainer* t, int32_t slot, vq_batch* out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t, out);
    check_slot(slot);
    *out = t->trainer.batch(slot);
  });
}

int vq_trainer_accumulate(vq_trainer* t, int32_t slot, int32_t windows, int32_t targets, uint64_t dropout_seed,
                          vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t);
    check_slot(slot);
    t->trainer.require_training();
    if (windows != 0 || targets != 0 || !t->trainer.sharded()) t->trainer.check_batch(slot, windows, targets);
    t->posted[slot] = t->device->worker.post([=] {
      // An earlier batch may have failed the step.
      t->failure[slot] = t->step_failure;
      if (t->step_failure) return;
      try {
        t->trainer.accumulate(slot, windows, targets, dropout_seed);
      } catch (...) {
        t->failure[slot] = t->step_failure = std::current_exception();
        pass_on(t->comm, t->step_failure);
      }
    });
  });
}

int vq_trainer_wait(vq_trainer* t, int32_t slot, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t);
    check_slot(slot);
    t->device->worker.wait(t->posted[slot]);
    if (t->failure[slot]) std::rethrow_exception(t->failure[slot]);
    t->trainer.wait(slot);
  });
}

int vq_trainer_begin_update(vq_trainer* t, const vq_update* how, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t, how);
    t->trainer.require_training();
    check(*how);
    if (t->update_posted) throw BadArgument("the previous update has not been finished");
    t->update = *how;
    t->update_posted = t->device->worker.post([t] {
      t->update_failure = std::exchange(t->step_failure, nullptr);
      try {
        if (t->update_failure) {
          t->trainer.zero_grad();
        } else {
          t->trainer.begin_update(t->update);
        }
      } catch (...) {
        t->update_failure = std::current_exception();
        pass_on(t->comm, t->update_failure);
      }
    });
  });
}

int vq_trainer_end_update(vq_trainer* t, vq_update_result* out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t, out);
    if (!t->update_posted) throw BadArgument("no update was begun");
    t->device->worker.wait(std::exchange(t->update_posted, 0));
    std::exception_ptr failure = t->update_failure;
    try {
      if (!failure && !t->trainer.end_update(t->update, *out)) {
        throw Error("the loss or the gradient is not finite");
      }
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) return;
    discard_step(t);
    std::rethrow_exception(failure);
  });
}

int vq_trainer_update(vq_trainer* t, const vq_update* how, vq_update_result* out, vq_error* err) {
  const int code = vq_trainer_begin_update(t, how, err);
  return code == VQ_OK ? vq_trainer_end_update(t, out, err) : code;
}

int vq_trainer_tune_gemms(vq_trainer* t, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t);
    t->trainer.require_training();
    discard_step(t);
    t->trainer.tune_gemms();
  });
}

int vq_trainer_evaluate(vq_trainer* t, int32_t slot, int32_t windows, int32_t targets, float* loss, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t, loss);
    check_slot(slot);
    t->trainer.check_batch(slot, windows, targets);
    t->device->worker.wait_idle();
    t->trainer.evaluate(slot, windows, targets, loss);
  });
}

int vq_trainer_read_moments(vq_trainer* t, int32_t layer, uint32_t target, float* a_m, float* a_v, float* b_m,
                            float* b_v, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t, a_m, a_v, b_m, b_v);
    t->trainer.require_training();
    t->device->worker.wait_idle();
    t->trainer.read_moments(layer, target, a_m, a_v, b_m, b_v);
  });
}

int vq_trainer_write_moments(vq_trainer* t, int32_t layer, uint32_t target, const float* a_m, const float* a_v,
                             const float* b_m, const float* b_v, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t, a_m, a_v, b_m, b_v);
    t->trainer.require_training();
    t->device->worker.wait_idle();
    t->trainer.write_moments(layer, target, a_m, a_v, b_m, b_v);
  });
}

int vq_trainer_send_moments(vq_trainer* t, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t);
    t->trainer.require_training();
    t->device->worker.wait_idle();
    t->trainer.send_moments();
  });
}

int vq_trainer_moments_read(vq_trainer* t, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t);
    t->trainer.require_training();
    t->device->worker.wait_idle();
    t->trainer.moments_read();
  });
}

int vq_trainer_read_gradients(vq_trainer* t, int32_t layer, uint32_t target, float* a, float* b, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(t, a, b);
    t->trainer.require_training();
    require(!t->trainer.sharded(), "the gradients are those of several processes");
    t->device->worker.wait_idle();
    t->trainer.read_gradients(layer, target, a, b);
  });
}
