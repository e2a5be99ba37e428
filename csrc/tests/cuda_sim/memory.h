// Memory that kernels access, and the access history of each cell: its last readers and writer.
//
// A region is one allocation of global memory or one array of shared memory. Kernels access it through Pointer
// (pointer.h), which keeps its original region: an access outside of it is a fault even if it hits another region.
//
// Races are detected by ordering, not by chance: two accesses by different threads, one of them a write, to the same
// two bytes within a launch need a barrier between them (__syncthreads, or __syncwarp of the whole warp within a warp);
// threads of different blocks cannot have one. A byte counts as the pair that contains it. Launches and copies on
// different streams need an event or the host between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/cuda_sim/stream.h"

namespace cuda_sim {

// When something happened within a block: by which thread, after how many of its barriers.
struct Moment {
  uint16_t thread;
  uint16_t barrier;    // __syncthreads so far
  uint16_t warp_sync;  // __syncwarp of the whole warp so far
  bool known() const { return thread != 0xffff; }
  // Of a wgmma of the thread's warpgroup. It counts as of a thread and warp of its own: that one thread has waited
  // for it says nothing of the other warps' parts.
  static Moment of_wgmma_of(const Moment& m) {
    return {static_cast<uint16_t>(kGemms + m.thread / 128 * 32), m.barrier, 0};
  }
  bool of_wgmma() const { return known() && thread >= kGemms; }
  static constexpr uint16_t kGemms = 0x8000;
};
constexpr Moment kNever = {0xffff, 0, 0};

// copy: an asynchronous copy to the memory starts; it writes at some moment from now until end_copy.
enum class Access : uint8_t { read, write, atomic, copy };

class Region {
 public:
  enum class Space : uint8_t { global, shared };
  Region(Space space, void* begin, size_t bytes);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  char* begin() const { return begin_; }
  size_t bytes() const { return bytes_; }
  // Checks an access of the running thread; false when it must not take place (it is reported). Shared memory that the
  // running block has not written is uninitialized.
  bool allows(const void* address, size_t bytes, size_t alignment, Access access) const;
  void end_copy(const void* address, size_t bytes) const;
  // The same of the running work as a whole, a copy or a GEMM: it may not touch what work of another stream does.
  bool allows_whole(const void* address, size_t bytes, Access access) const;
  // The memory is freed: any later access is a fault.
  void free();
  // A wgmma of the running thread's warpgroup reads 16 bytes of shared memory from now until end_wgmma; false when
  // it must not.
  bool start_wgmma(const void* chunk) const;
  void end_wgmma(const void* chunk) const;

 private:
  struct Cell;
  // What a piece of work touched as a whole.
  struct Span {
    WorkId work;
    size_t begin, end;  // offsets
    bool write;
  };
  void check_cell(Cell& cell, size_t offset, size_t bytes, Access access) const;
  void check_spans(size_t begin, size_t end, Access access) const;
  std::string name() const;

  Space space_;
  char* begin_;
  size_t bytes_;
  Cell* cells_;                                             // one for each two bytes; pages of it exist once touched
  mutable uint32_t kernel_streams_ = 0, span_streams_ = 0;  // bits: whose kernels, whose whole pieces touched it
  mutable std::vector<Span> spans_;
};

// Global memory: every address that a kernel gets from the host must be in a region.
void add_global(void* begin, size_t bytes);
void remove_global(void* begin);
const Region* find_global(const void* address);  // null when none

}  // namespace cuda_sim
