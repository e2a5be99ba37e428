// The contract between the model (csrc/model) and a device (csrc/ops/cpu, csrc/ops/cuda, or any backend library).
//
// A device owns memory and performs work in the order in which it is called (a stream). A call may return before its
// work is done; results reach the host only through download(), synchronize() and events. Pointers in a Tensor are
// device addresses, which only the device dereferences.
//
// A first port implements what is pure virtual here and in ops.h. The rest has defaults that are correct on every
// device and only cost speed or memory: see docs/backends.md.
#pragma once

#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "ops/comm.h"
#include "ops/ops.h"

namespace vq {

struct DeviceInfo {
  std::string name;          // "AMD EPYC"
  std::string instructions;  // what the GEMMs use: "amx", "avx512-bf16", "avx512", "avx2", "generic", "sm_86",
                             // "sm_90, wgmma" (see vq.h)
  int threads = 0;           // of a GPU: multiprocessors
  bool fast_bf16 = false;    // bf16 GEMMs are faster than f32 ones
  std::string gemm_library;  // library, its version and device that gemm_choices() are for; empty: nothing to tune
  uint64_t memory_total = 0;
  uint64_t memory_available = 0;
  int64_t unaligned_gemms = 0;  // so far: rows not at multiples of 16 bytes, which the library computes slowly
};

// A point in the order of a device's work.
class Event {
 public:
  virtual ~Event() = default;
};

// A captured sequence of ops: see Device::replay.
class Graph {
 public:
  virtual ~Graph() = default;
};

class Device : public Ops, public MemoryNeeds {
 public:
  virtual DeviceInfo info() const = 0;

  // Memory. ----------------------------------------------------------------------------------------------------------
  virtual void* alloc(size_t bytes) = 0;  // 64-byte aligned, zeroed; throws NoMemory
  virtual void free(void* p) noexcept = 0;
  virtual void upload(void* dst, const void* host, size_t bytes) = 0;    // the host memory may be reused at once
  virtual void download(void* host, const void* src, size_t bytes) = 0;  // synchronizes
  virtual void copy(const Tensor& dst, const Tensor& src) = 0;           // same shape; converts between types
  virtual void zero(const Tensor& t) = 0;
  virtual void synchronize() = 0;
  // Host memory from which transfers are fast: zeroed, 64-byte aligned.
  virtual void* host_alloc(size_t bytes) {
    void* p = ::operator new (bytes, std::align_val_t{64}, std::nothrow);
    if (!p) throw NoMemory("there is not enough memory");
    return std::memset(p, 0, bytes);
  }
  virtual void host_free(void* p) noexcept { ::operator delete (p, std::align_val_t{64}); }

  // Scratch memory of the ops, enough for `rows` rows, GEMMs [n, k] and this shape of attention. Called before any such
  // op; later calls enlarge it.
  virtual void reserve_workspace(int64_t /*rows*/, int64_t /*n*/, int64_t /*k*/, const AttentionShape& /*shape*/) {}

  // Optional: operands that a weight's format casts. --------------------------------------------------------------
  // Workspace for casting GEMM inputs to the format of the weight: `rows` rows of at most `widest` elements. Called
  // before any such GEMM.
  virtual void reserve_cast_workspace(int64_t /*rows*/, int64_t /*widest*/, WeightFormat /*format*/) {}

  // Optional: transfers and events, so that the host need not wait. -------------------------------------------------
  // Transfers that the host does not wait for. The host memory comes from host_alloc and belongs to the transfer until
  // an event recorded later is reached. A transfer to the device need not wait for earlier work beyond `after`, the
  // last work that uses dst; work queued later finds the data there.
  virtual void copy_to_device_async(void* dst, const void* host, size_t bytes, const Event& /*after*/) {
    upload(dst, host, bytes);
  }
  virtual void copy_to_host_async(void* host, const void* src, size_t bytes) { download(host, src, bytes); }
  virtual Event* make_event() { return new Event; }
  virtual void record(Event& /*event*/) { synchronize(); }  // signaled when all work queued so far has completed
  // Waits until the event is signaled; returns at once if it was never recorded. Any thread may call it.
  virtual void wait(const Event& /*event*/) {}

  // Optional: graphs, so that a sequence of hundreds of ops is one launch. ------------------------------------------
  virtual Graph* make_graph() { return new Graph; }
  // Calls work(), or replays the ops that an earlier call with this graph captured: same tensors, their present
  // contents. work() calls ops and nothing else, and may be called twice. Each attention() in it has this plan, whose
  // segments have one row each and are equally many every time.
  virtual void replay(Graph& /*graph*/, const AttentionPlan& /*plan*/, const std::function<void()>& work) { work(); }

  // Optional: several processes. ------------------------------------------------------------------------------------
  // Comm::exchange of device memory, in the order of the device's work.
  virtual void exchange(Comm& comm, std::span<const Transfer> sends, std::span<const Transfer> receives) {
    if (capabilities().discrete_memory) throw Error("this device cannot train in several processes");
    synchronize();
    comm.exchange(sends, receives);
  }

  // Optional: GEMM tuning. A library may offer several algorithms for a GEMM, each with its own order of sums. The
  // algorithm for each shape is saved as bytes, so that later runs reproduce the same sums. -------------------------
  // While on, GEMMs of shapes without a choice run every algorithm, and the fastest is chosen; results are undefined.
  virtual void tune_gemms(bool /*on*/) {}
  virtual std::vector<uint8_t> gemm_choices() const { return {}; }
  virtual void set_gemm_choices(std::span<const uint8_t> /*bytes*/) {
    throw Error("this device has no GEMM algorithms to choose from");
  }
};

// Opens the CPU with this many threads (0: all that the process may use). Throws Error.
Device* open_cpu(int threads);

}  // namespace vq
