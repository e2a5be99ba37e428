// Thread blocks on one processor: each thread is a fiber that runs until it has to wait for others.
//
// Faults (races, invalid addresses, threads that wait forever) do not stop a kernel: the access is skipped, and the
// launch throws all faults when it ends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/cuda_sim/async_copies.h"
#include "tests/cuda_sim/builtins.h"
#include "tests/cuda_sim/fiber.h"
#include "tests/cuda_sim/memory.h"
#include "tests/cuda_sim/stream.h"
#include "tests/cuda_sim/wgmma_groups.h"

namespace cuda_sim {

struct Fault {
  enum Kind : uint8_t { race, out_of_bounds, misaligned, uninitialized, barrier, limit };
  Kind kind;
  std::string text;
};

// Thrown by a launch whose kernel had faults.
struct KernelFault : std::runtime_error {
  KernelFault(const std::string& text, std::vector<Fault> all) : std::runtime_error(text), faults(std::move(all)) {}
  std::vector<Fault> faults;  // the first few
};

struct Block;

struct Thread {
  Block* block = nullptr;
  uint3 index{};
  uint32_t lane = 0;
  uint32_t warp = 0;
  Moment now{};
  enum State : uint8_t { ready, at_barrier, at_warp, at_warpgroup, done } state = ready;
  std::source_location waits_at;
  AsyncCopies copies;
  PendingWgmmas wgmmas;
  uint32_t wgmma_fences = 0;
  // shared_fence() so far, and those before the last barrier.
  uint32_t shared_fences = 0, shared_fences_at_barrier = 0;
  std::unique_ptr<Fiber> fiber;
};

struct Block {
  WorkId launch = 0;
  uint32_t index = 0;  // within the grid
  uint3 block_index{};
  dim3 grid, shape;
  std::vector<Thread> threads;

  // Static shared arrays by the place in the source that declares them, and the dynamic one.
  struct SharedArray {
    std::unique_ptr<char[]> memory;
    std::unique_ptr<Region> region;
  };
  std::map<const void*, SharedArray> arrays;
  size_t static_bytes = 0, dynamic_bytes = 0;
  const Region& shared(const void* place, size_t bytes);
  // Addresses within the shared memory window, as descriptors encode them: the dynamic array starts there at a multiple
  // of 128 bytes that is not a multiple of 256. Null, and a fault, if the 16 bytes are not all in the array.
  const void* in_window(uint32_t address, const Region** region) const;
  const Region* dynamic_region() const { return arrays.at(nullptr).region.get(); }
  static constexpr uint32_t kDynamicBegin = 1024 + 128;

  // The calling thread waits for the others of its block.
  void barrier(std::source_location where);
  // The calling thread brings something to the others of its warp in `mask`. When all are there, each with the same
  // operation, the last of them runs it on what each lane of the mask brought (else null), and all go on.
  using Operation = void (*)(void* const (&brought)[32]);
  void meet(uint32_t mask, void* brought, Operation operation, std::source_location where);

  // The same for the warpgroup of the calling thread: all its 128 threads.
  using GroupOperation = void (*)(void* const (&brought)[128]);
  void meet_warpgroup(void* brought, GroupOperation operation, std::source_location where);

  void run(const std::function<void()>& kernel);

 private:
  // The lanes of a mask that wait for the others, by warp. Disjoint parts of a warp may wait for operations of their
  // own.
  struct Meeting {
    uint32_t mask, arrived;
    Operation operation;
    void* brought[32];
  };
  std::vector<std::vector<Meeting>> meetings_;
  // The threads of a warpgroup that wait for the others.
  struct Gathering {
    void* brought[128];
    size_t count = 0;
    GroupOperation operation;
  };
  std::map<size_t, Gathering> gatherings_;  // by warpgroup
  void wait(Thread::State state);
  bool release_barrier();
};

Thread* running();  // null on the host
void report(Fault::Kind kind, const std::string& what);

// Runs the kernel for every thread of the grid, block by block, as the current work. Throws KernelFault.
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel,
              std::source_location where);
// Queues a launch.
void launch_grid(Stream* stream, dim3 grid, dim3 block, size_t shared_bytes, std::function<void()> kernel,
                 std::source_location where);
// Throws KernelFault if a fault was reported since the last call.
void throw_faults(const std::string& of);

}  // namespace cuda_sim
