// What the opaque handles of vq.h are.
#pragma once

#include <vq.h>

#include <array>
#include <exception>
#include <memory>

#include "api/guard.h"
#include "api/worker.h"
#include "model/lora.h"
#include "model/session.h"
#include "model/trainer.h"
#include "model/weights.h"

struct vq_device {
  std::unique_ptr<vq::Device> device;
  // Runs micro-batches while the caller prepares the next. All other work is done on the caller's thread after what was
  // posted before it.
  vq::Worker worker;
};

struct vq_model {
  vq_device* device;
  vq::Model model;
};

struct vq_adapter {
  vq_device* device;
  vq::Adapter adapter;
};

struct vq_trainer {
  vq_device* device;
  vq::Trainer trainer;
  // Of each slot: the worker's last job, and what went wrong in it. Read when that job is done.
  std::array<uint64_t, 2> posted{};
  std::array<std::exception_ptr, 2> failure{};
  // What went wrong first in the step that is being accumulated: the worker's own, unless that is idle.
  std::exception_ptr step_failure{};
  // The update that has been begun and not ended: its job, 0 when there is none, and what went wrong in it.
  uint64_t update_posted = 0;
  vq_update update{};
  std::exception_ptr update_failure{};
};

struct vq_session {
  vq_device* device;
  vq::Session session;
};
