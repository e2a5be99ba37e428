// vq_session_*.
#include "api/handles.h"
#include "api/plan.h"

using namespace vq;

int vq_session_create(vq_model* m, vq_adapter* adapter, int64_t capacity, int32_t max_sequences, vq_session** out,
                      vq_error* err) {
  return guarded(err, [&] {
    require_pointers(m, out);
    m->device->worker.wait_idle();
    m->model.require_finished();
    if (adapter && &adapter->adapter.model() != &m->model) throw BadArgument("the adapter belongs to another model");
    const Adapter* a = adapter ? &adapter->adapter : nullptr;
    Device& device = *m->device->device;
    const vq_memory_plan plan = plan_session_alone(device, m->model.config(), m->model.compute(),
                                                   a ? &a->layout() : nullptr, capacity, max_sequences);
    require_memory(device, plan);
    allocating(device, plan, [&] { *out = new vq_session{m->device, Session(m->model, a, capacity, max_sequences)}; });
  });
}

void vq_session_close(vq_session* s) {
  if (s) s->device->worker.wait_idle();
  delete s;
}

int vq_session_prefill(vq_session* s, int32_t sequence, const int32_t* ids, int64_t n, float* logits, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s, ids);
    s->device->worker.wait_idle();
    s->session.prefill(sequence, ids, n, logits != nullptr);
    if (logits) s->session.read_logits(0, 1, logits);
  });
}

int vq_session_prefill_on_device(vq_session* s, int32_t sequence, const int32_t* ids, int64_t n, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s, ids);
    s->device->worker.wait_idle();
    s->session.prefill(sequence, ids, n, true);
  });
}

int vq_session_decode(vq_session* s, const int32_t* sequences, const int32_t* ids, int32_t n, float* logits,
                      vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s, sequences, ids);
    s->device->worker.wait_idle();
    s->session.decode(sequences, ids, n);
    if (logits) s->session.read_logits(0, n, logits);
  });
}

int vq_session_logits(vq_session* s, int32_t first, int32_t count, float* logits, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s, logits);
    s->device->worker.wait_idle();
    s->session.read_logits(first, count, logits);
  });
}

int vq_session_candidates(vq_session* s, int32_t n, const uint32_t* allowed, const double* below, vq_candidate* out,
                          vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s, below, out);
    s->device->worker.wait_idle();
    s->session.select_candidates(n, allowed, below, out);
  });
}

int vq_session_score(vq_session* s, int32_t sequence, const int32_t* ids, int64_t n, float* log_prob, int32_t* argmax,
                     vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s, ids);
    if (n > 1) require_pointers(log_prob, argmax);
    s->device->worker.wait_idle();
    s->session.score(sequence, ids, n, log_prob, argmax);
  });
}

int vq_session_score_each(vq_session* s, const int32_t* sequences, const int64_t* counts, int32_t n, const int32_t* ids,
                          float* log_prob, int32_t* argmax, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s, sequences, counts, ids, log_prob, argmax);
    s->device->worker.wait_idle();
    s->session.score_each(sequences, counts, n, ids, log_prob, argmax);
  });
}

int vq_session_fork(vq_session* s, int32_t from, int32_t to, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s);
    s->session.fork(from, to);
  });
}

int vq_session_truncate(vq_session* s, int32_t sequence, int64_t length, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(s);
    s->session.truncate(sequence, length);
  });
}

int64_t vq_session_length(const vq_session* s, int32_t sequence) { return s->session.length(sequence); }
