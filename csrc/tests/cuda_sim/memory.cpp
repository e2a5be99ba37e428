#include "tests/cuda_sim/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <new>

#include "tests/cuda_sim/block.h"

namespace cuda_sim {
namespace {

// Whether the event at `before`, in the same block, is guaranteed to be complete at `now`.
bool ordered(const Moment& before, const Moment& now) {
  return before.thread == now.thread || before.barrier != now.barrier ||
         (before.thread / 32 == now.thread / 32 && before.warp_sync != now.warp_sync);
}

const char* verb(Access a) {
  constexpr const char* kVerbs[] = {"reads", "writes", "updates", "starts a copy to"};
  return kVerbs[static_cast<int>(a)];
}

}  // namespace

// Of the last launch that touched it. Launches are counted from 1; blocks of a launch run one after the other.
struct Region::Cell {
  uint32_t write_launch, write_block;
  Moment write;
  bool atomic;
  bool copying;            // an asynchronous copy to it is pending
  bool many_blocks;        // threads of other blocks than read_block have read it
  uint16_t wgmmas;         // pending ones that read it
  uint32_t shared_fences;  // of the writer, when it wrote
  uint32_t read_launch, read_block;
  uint32_t read_elsewhere;  // the last launch of another stream than read_launch's that read it
  // Readers of read_block: the last; the last other one of its warp; the last of another warp. If an earlier reader
  // than these is not ordered before a later write, then one of these is not either.
  Moment last, same_warp, other_warp;

  void note_read(uint32_t launch, uint32_t block, const Moment& now) {
    if (read_launch != launch || read_block != block) {
      many_blocks = read_launch == launch;
      if (stream_of(read_launch) != stream_of(launch)) read_elsewhere = read_launch;
      read_launch = launch;
      read_block = block;
      last = now;
      same_warp = other_warp = kNever;
    } else if (last.thread != now.thread) {
      if (last.thread / 32 == now.thread / 32) {
        same_warp = last;
      } else {
        same_warp = kNever;
        other_warp = last;
      }
      last = now;
    } else {
      last = now;
    }
  }
};

Region::Region(Space space, void* begin, size_t bytes)
    : space_(space), begin_(static_cast<char*>(begin)), bytes_(bytes) {
  const size_t size = (bytes / 2 + 1) * sizeof(Cell);
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  cells_ = static_cast<Cell*>(p);
}

Region::~Region() { free(); }

void Region::free() {
  if (cells_) munmap(cells_, (bytes_ / 2 + 1) * sizeof(Cell));
  cells_ = nullptr;
}

std::string Region::name() const {
  return std::string(space_ == Space::shared ? "a shared array" : "global memory") + " of " + std::to_string(bytes_) +
         " bytes";
}

bool Region::allows(const void* address, size_t bytes, size_t alignment, Access access) const {
  const char* p = static_cast<const char*>(address);
  const Thread* t = running();
  if (!t) return true;  // the host
  const auto complain = [&](Fault::Kind kind, const std::string& what) {
    report(kind, std::string(verb(access)) + " " + std::to_string(bytes) + " bytes at offset " +
                     std::to_string(p - begin_) + " of " + name() + what);
  };
  if (!cells_) {
    complain(Fault::out_of_bounds, ", which was given back");
    return false;
  }
  if (p < begin_ || p + bytes > begin_ + bytes_) {
    complain(Fault::out_of_bounds, ", outside of it");
    return false;
  }
  if (reinterpret_cast<uintptr_t>(p) % alignment != 0) {
    complain(Fault::misaligned, ", which is not aligned to " + std::to_string(alignment));
    return false;
  }
  const size_t offset = static_cast<size_t>(p - begin_);
  if (space_ == Space::global) {
    const uint32_t stream = 1u << stream_of(t->block->launch);
    kernel_streams_ |= stream;
    if (span_streams_ & ~stream) check_spans(offset, offset + bytes, access);
  }
  for (size_t i = offset / 2; i <= (offset + bytes - 1) / 2; i++) check_cell(cells_[i], offset, bytes, access);
  return true;
}

void Region::check_spans(size_t begin, size_t end, Access access) const {
  for (const Span& s : spans_) {
    if (s.begin >= end || begin >= s.end || (access == Access::read && !s.write) || now_doing().after(s.work)) continue;
    report(Fault::race, std::string(verb(access)) + " " + std::to_string(end - begin) + " bytes at offset " +
                            std::to_string(begin) + " of " + name() + " that a copy or GEMM of another stream " +
                            (s.write ? "writes" : "reads") + " without an event between");
    return;
  }
}

bool Region::allows_whole(const void* address, size_t bytes, Access access) const {
  const auto offset = static_cast<size_t>(static_cast<const char*>(address) - begin_);
  if (bytes == 0) return true;
  if (!cells_ || address < begin_ || offset + bytes > bytes_) {
    report(Fault::out_of_bounds, std::string(verb(access)) + " " + std::to_string(bytes) + " bytes at offset " +
                                     std::to_string(offset) + " of " + name() +
                                     (cells_ ? ", outside of it" : ", which was given back"));
    return false;
  }
  const Running& now = now_doing();
  const size_t end = offset + bytes;
  const uint32_t stream = 1u << stream_of(now.id);
  if (span_streams_ & ~stream) check_spans(offset, end, access);
  if (kernel_streams_ & ~stream) {
    for (size_t i = offset / 2; i <= (end - 1) / 2; i++) {
      const Cell& c = cells_[i];
      const bool wrong = !now.after(c.write_launch) ||
                         (access != Access::read && !(now.after(c.read_launch) && now.after(c.read_elsewhere)));
      if (!wrong) continue;
      report(Fault::race, std::string(verb(access)) + " byte " + std::to_string(2 * i) + " of " + name() +
                              " that a kernel of another stream uses without an event between");
      break;
    }
  }
  const bool write = access != Access::read;
  // What the new one says as well need not be kept: it is later on the same stream.
  std::erase_if(spans_, [&](const Span& s) {
    return stream_of(s.work) == stream_of(now.id) && s.begin >= offset && s.end <= end && (write || !s.write);
  });
  // Nor what everything queued from now on is ordered after.
  constexpr size_t kMany = 256;
  if (spans_.size() >= kMany) std::erase_if(spans_, [](const Span& s) { return host_waited_for(s.work); });
  spans_.push_back({now.id, offset, end, write});
  span_streams_ |= stream;
  return true;
}

void Region::end_copy(const void* address, size_t bytes) const {
  const size_t offset = static_cast<size_t>(static_cast<const char*>(address) - begin_);
  for (size_t i = offset / 2; i <= (offset + bytes - 1) / 2; i++) cells_[i].copying = false;
}

bool Region::start_wgmma(const void* chunk) const {
  const size_t offset = static_cast<size_t>(static_cast<const char*>(chunk) - begin_);
  const Block& block = *running()->block;
  for (size_t i = offset / 2; i < offset / 2 + 8; i++) {
    const Cell& cell = cells_[i];
    const char* wrong = nullptr;
    Fault::Kind kind = Fault::race;
    if (cell.write_launch != block.launch || cell.write_block != block.index) {
      wrong = " the block has not written";
      kind = Fault::uninitialized;
    } else if (cell.copying) {
      wrong = " has a pending copy";
    } else if (cell.write.barrier == running()->now.barrier) {
      wrong = " was written without a barrier between";
    } else if (block.threads[cell.write.thread].shared_fences_at_barrier <= cell.shared_fences) {
      wrong = " was written without a shared_fence() of that thread before the barrier";
    }
    if (!wrong) continue;
    report(kind,
           "starts a wgmma with 16 bytes at offset " + std::to_string(offset) + " of " + name() + ", which" + wrong);
    return false;
  }
  for (size_t i = offset / 2; i < offset / 2 + 8; i++) cells_[i].wgmmas++;
  return true;
}

void Region::end_wgmma(const void* chunk) const {
  const size_t offset = static_cast<size_t>(static_cast<const char*>(chunk) - begin_);
  const Thread& t = *running();
  const Moment now = Moment::of_wgmma_of(t.now);
  for (size_t i = offset / 2; i < offset / 2 + 8; i++) {
    cells_[i].wgmmas--;
    cells_[i].note_read(t.block->launch, t.block->index, now);
  }
}

void Region::check_cell(Cell& cell, size_t offset, size_t bytes, Access access) const {
  const Thread& t = *running();
  const uint32_t launch = t.block->launch, block = t.block->index;
  const Moment& now = t.now;
  const auto complain = [&](Fault::Kind kind, const std::string& what) {
    report(kind, std::string(verb(access)) + " " + std::to_string(bytes) + " bytes at offset " +
                     std::to_string(offset) + " of " + name() + what);
  };
  const auto race = [&](const char* did, uint32_t other_block, const Moment& before) {
    const std::string who = before.of_wgmma() ? "a wgmma" : "thread " + std::to_string(before.thread);
    complain(Fault::race,
             " that " + who + " of block " + std::to_string(other_block) + did + " without a barrier between");
  };
  if (space_ == Space::global) {
    const Running& doing = now_doing();
    if (!doing.after(cell.write_launch) ||
        (access != Access::read && !(doing.after(cell.read_launch) && doing.after(cell.read_elsewhere)))) {
      complain(Fault::race, " that a kernel of another stream uses without an event between");
    }
  }
  const bool written = cell.write_launch == launch;
  const bool takes = access == Access::read || access == Access::atomic;
  if (space_ == Space::shared && takes && !(written && cell.write_block == block)) {
    complain(Fault::uninitialized, " that the block has not written");
  }
  if (written && cell.write_block == block && cell.copying) {
    complain(Fault::race,
             " while a copy to it that thread " + std::to_string(cell.write.thread) + " started is pending");
  }
  if (cell.wgmmas > 0 && !takes) complain(Fault::race, " while a pending wgmma reads it");
  const bool both_atomic = access == Access::atomic && cell.atomic;
  // Discards what is left of an earlier block's shared memory.
  const bool other_block = cell.write_block != block && space_ == Space::global;
  if (written && !both_atomic && (other_block || (cell.write_block == block && !ordered(cell.write, now)))) {
    race(" wrote", cell.write_block, cell.write);
  }
  if (access == Access::read) {
    cell.note_read(launch, block, now);
    return;
  }
  if (cell.read_launch == launch) {
    if (space_ == Space::global && (cell.many_blocks || cell.read_block != block)) {
      race(" read", cell.read_block, cell.last);
    } else if (cell.read_block == block) {
      for (const Moment& m : {cell.last, cell.same_warp, cell.other_warp}) {
        if (!m.known() || ordered(m, now)) continue;
        race(" read", cell.read_block, m);
        break;
      }
    }
  }
  cell.write_launch = launch;
  cell.write_block = block;
  cell.write = now;
  cell.atomic = access == Access::atomic;
  cell.copying = access == Access::copy;
  cell.shared_fences = t.shared_fences;
  cell.read_launch = cell.read_elsewhere = 0;
}

namespace {
std::mutex regions_mutex;
std::map<const char*, std::unique_ptr<Region>> regions;  // by their first byte
std::vector<std::unique_ptr<Region>> freed;              // graphs may refer to them
}  // namespace

void add_global(void* begin, size_t bytes) {
  std::lock_guard lock(regions_mutex);
  regions[static_cast<char*>(begin)] = std::make_unique<Region>(Region::Space::global, begin, bytes);
}

void remove_global(void* begin) {
  std::lock_guard lock(regions_mutex);
  const auto found = regions.find(static_cast<char*>(begin));
  if (found == regions.end()) return;
  found->second->free();
  freed.push_back(std::move(found->second));
  regions.erase(found);
}

const Region* find_global(const void* address) {
  std::lock_guard lock(regions_mutex);
  const char* p = static_cast<const char*>(address);
  auto after = regions.upper_bound(p);
  if (after == regions.begin()) return nullptr;
  const Region* r = (--after)->second.get();
  // One past the end belongs to it too: an empty view may begin there.
  return p <= r->begin() + r->bytes() ? r : nullptr;
}

}  // namespace cuda_sim
