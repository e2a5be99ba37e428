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
  // Runs micro-batches while the caller prepares the next. All other work runs on the caller's thread, after the jobs
  // posted before it.
  vq::Worker worker;
};

struct vq_model {
  vq_device* device;
  vq::ModelWeights model;
};

struct vq_adapter {
  vq_device* device;
  vq::Adapter adapter;
};

struct vq_trainer {
  vq_device* device;
  vq::Comm* comm;  // null: alone
  vq::Trainer trainer;
  // Each slot's last job and its failure. Read when that job is done.
  std::array<uint64_t, 2> posted{};
  std::array<std::exception_ptr, 2> failure{};
  // The first failure in the step that is being accumulated. The worker's own unless it is idle.
  std::exception_ptr step_failure{};
  // The update in flight: its job (0: none) and its failure.
  uint64_t update_posted = 0;
  vq_update update{};
  std::exception_ptr update_failure{};
};

struct vq_comm {
  std::unique_ptr<vq::Comm> comm;
};

struct vq_session {
  vq_device* device;
  vq::Session session;
};
