#include "tests/cuda_sim/block.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cuda_sim {
namespace {

constexpr size_t kMostFaults = 16;
constexpr size_t kMostSharedBytes = 227 << 10;  // per block, on the largest GPUs
constexpr size_t kMostStaticBytes = 48 << 10;

thread_local Thread* current = nullptr;
thread_local std::vector<Fault> faults;
thread_local size_t fault_count = 0;
// Kept between launches: creating stacks is slow.
thread_local std::vector<std::unique_ptr<Fiber>> idle_fibers;

std::string place(const std::source_location& at) {
  const char* name = std::strrchr(at.file_name(), '/');
  return std::string(name ? name + 1 : at.file_name()) + ":" + std::to_string(at.line());
}

bool same_place(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() && std::strcmp(a.file_name(), b.file_name()) == 0;
}

std::unique_ptr<Fiber> take_fiber() {
  if (idle_fibers.empty()) return std::make_unique<Fiber>();
  std::unique_ptr<Fiber> f = std::move(idle_fibers.back());
  idle_fibers.pop_back();
  return f;
}

}  // namespace

Thread* running() { return current; }

void report(Fault::Kind kind, const std::string& what) {
  fault_count++;
  if (faults.size() >= kMostFaults) return;
  std::string who;
  if (current) {
    who = "block " + std::to_string(current->block->index) + ", thread " + std::to_string(current->now.thread) + " ";
  }
  faults.push_back({kind, who + what});
}

const Region& Block::shared(const void* place, size_t bytes) {
  SharedArray& a = arrays[place];
  if (!a.region || a.region->bytes() != bytes) {
    // One extra cell: the region is aligned for the widest copies.
    a.memory = std::make_unique<char[]>(bytes + 128);
    const auto at = reinterpret_cast<uintptr_t>(a.memory.get());
    a.region = std::make_unique<Region>(Region::Space::shared, a.memory.get() + (128 - at % 128) % 128, bytes);
    if (place != nullptr) static_bytes += bytes;
    if (static_bytes > kMostStaticBytes) report(Fault::limit, "has more than 48 KiB of static shared memory");
  }
  return *a.region;
}

const void* Block::in_window(uint32_t address, const Region** region) const {
  const auto dynamic = arrays.find(nullptr);
  const uint32_t at = address - kDynamicBegin;
  if (dynamic == arrays.end() || address < kDynamicBegin || at + 16 > dynamic->second.region->bytes()) {
    report(Fault::out_of_bounds,
           "starts a wgmma that reads 16 bytes at " + std::to_string(at) + " of dynamic shared memory, outside of it");
    return nullptr;
  }
  *region = dynamic->second.region.get();
  return (*region)->begin() + at;
}

void Block::wait(Thread::State state) {
  Thread* self = current;
  self->state = state;
  self->fiber->yield();
}

void Block::barrier(std::source_location where) {
  current->waits_at = where;
  wait(Thread::at_barrier);
}

void Block::meet(uint32_t mask, void* brought, Operation operation, std::source_location where) {
  Thread* self = current;
  const size_t warp_begin = static_cast<size_t>(self->warp) * 32;
  if (!(mask >> self->lane & 1)) {
    report(Fault::barrier, "takes part in an operation of its warp at " + place(where) + " whose mask leaves it out");
    return;
  }
  if (const size_t last = 31 - static_cast<size_t>(std::countl_zero(mask)); warp_begin + last >= threads.size()) {
    report(Fault::barrier, "waits at " + place(where) + " for lane " + std::to_string(last) + ", which is not there");
    return;
  }
  self->waits_at = where;
  std::vector<Meeting>& meetings = meetings_[self->warp];
  auto m = std::find_if(meetings.begin(), meetings.end(),
                        [&](const Meeting& other) { return other.mask == mask && other.operation == operation; });
  if (m == meetings.end()) m = meetings.insert(m, {mask, 0, operation, {}});
  m->arrived |= 1u << self->lane;
  m->brought[self->lane] = brought;
  if (m->arrived != mask) {
    wait(Thread::at_warp);
    return;
  }
  operation(m->brought);
  meetings.erase(m);
  for (uint32_t lanes = mask & ~(1u << self->lane); lanes != 0; lanes &= lanes - 1)
    threads[warp_begin + static_cast<size_t>(std::countr_zero(lanes))].state = Thread::ready;
}

void Block::meet_warpgroup(void* brought, GroupOperation operation, std::source_location where) {
  Thread* self = current;
  const size_t group = self->now.thread / 128, begin = group * 128;
  if (begin + 128 > threads.size()) {
    report(Fault::barrier, "takes part in an operation of its warpgroup at " + place(where) + ", which is not whole");
    return;
  }
  Gathering& all = gatherings_[group];
  if (all.count > 0 && all.operation != operation) {
    report(Fault::barrier, "comes to another operation of its warpgroup than the others, at " + place(where));
    return;
  }
  all.operation = operation;
  all.brought[self->now.thread - begin] = brought;
  self->waits_at = where;
  if (++all.count < 128) {
    wait(Thread::at_warpgroup);
    return;
  }
  all.count = 0;
  operation(all.brought);
  for (size_t i = begin; i < begin + 128; i++)
    if (&threads[i] != self) threads[i].state = Thread::ready;
}

// Resumes the threads when all that have not returned are at one barrier.
bool Block::release_barrier() {
  const Thread* first = nullptr;
  for (const Thread& t : threads) {
    if (t.state == Thread::done) continue;
    if (t.state != Thread::at_barrier) return false;
    if (!first) first = &t;
    if (!same_place(first->waits_at, t.waits_at)) {
      report(Fault::barrier, "threads " + std::to_string(first->now.thread) + " and " + std::to_string(t.now.thread) +
                                 " meet at different barriers: " + place(first->waits_at) + " and " +
                                 place(t.waits_at));
      break;
    }
  }
  if (!first) return false;
  for (Thread& t : threads) {
    if (t.state == Thread::done) continue;
    t.state = Thread::ready;
    t.now.barrier++;
    t.shared_fences_at_barrier = t.shared_fences;
  }
  return true;
}

void Block::run(const std::function<void()>& kernel) {
  const std::function<void()>* body = &kernel;
  gatherings_.clear();
  meetings_.assign((threads.size() + 31) / 32, {});
  for (Thread& t : threads) {
    t.state = Thread::ready;
    t.wgmma_fences = t.shared_fences = t.shared_fences_at_barrier = 0;
    t.fiber->start([](void* f) { (*static_cast<const std::function<void()>*>(f))(); },
                   const_cast<std::function<void()>*>(body));
  }
  size_t left = threads.size();
  while (left > 0) {
    bool ran = false;
    for (Thread& t : threads) {
      if (t.state != Thread::ready) continue;
      ran = true;
      current = &t;
      t.state = Thread::done;  // unless it waits for something
      t.fiber->resume();
      if (t.state == Thread::done) {
        left--;
        if (t.copies.under_way() > 0) report(Fault::race, "ends while copies that it started are pending");
        t.copies.forget();
        if (t.wgmmas.under_way()) report(Fault::race, "ends while a wgmma that it started is pending");
        t.wgmmas.forget();
      }
      current = nullptr;
    }
    if (ran || release_barrier()) continue;
    for (const Thread& t : threads) {
      if (t.state == Thread::done) continue;
      report(Fault::barrier, "block " + std::to_string(index) + ", thread " + std::to_string(t.now.thread) +
                                 " waits forever at " + place(t.waits_at));
    }
    return;
  }
}

void run_grid(dim3 grid, dim3 shape, size_t shared_bytes, const std::function<void()>& kernel,
              std::source_location where) {
  const size_t count = size_t{shape.x} * shape.y * shape.z;
  faults.clear();
  fault_count = 0;
  Block block;
  block.launch = now_doing().id;
  block.grid = grid;
  block.shape = shape;
  block.dynamic_bytes = shared_bytes;
  block.threads = std::vector<Thread>(count);
  for (Thread& t : block.threads) t.fiber = take_fiber();
  for (uint32_t z = 0; z < grid.z; z++)
    for (uint32_t y = 0; y < grid.y; y++)
      for (uint32_t x = 0; x < grid.x; x++) {
        block.block_index = {x, y, z};
        block.index = (z * grid.y + y) * grid.x + x;
        uint32_t n = 0;
        for (Thread& t : block.threads) {
          t.block = &block;
          t.index = {n % shape.x, n / shape.x % shape.y, n / shape.x / shape.y};
          t.lane = n % 32;
          t.warp = n / 32;
          t.now = {static_cast<uint16_t>(n), 0, 0};
          n++;
        }
        block.run(kernel);
        if (fault_count > 0) goto stop;
      }
stop:
  if (block.static_bytes + shared_bytes > kMostSharedBytes) {
    report(Fault::limit, "a block has more than 227 KiB of shared memory");
  }
  for (Thread& t : block.threads) {
    // The stack of a thread that waits forever cannot be reused.
    if (t.state == Thread::done) idle_fibers.push_back(std::move(t.fiber));
  }
  throw_faults("the kernel launched at " + place(where));
}

void launch_grid(Stream* stream, dim3 grid, dim3 shape, size_t shared_bytes, std::function<void()> kernel,
                 std::source_location where) {
  if (current) throw std::logic_error("a kernel was launched by a kernel");
  const size_t count = size_t{shape.x} * shape.y * shape.z;
  if (count == 0 || count > 1024 || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535) {
    throw std::logic_error("a launch at " + place(where) + " has an impossible grid or block");
  }
  enqueue(stream, [=, run = std::move(kernel)] { run_grid(grid, shape, shared_bytes, run, where); });
}

void throw_faults(const std::string& of) {
  if (fault_count == 0) return;
  std::string text = of + " did wrong (" + std::to_string(fault_count) + " times):";
  for (const Fault& f : faults) text += "\n  " + f.text;
  std::vector<Fault> all = std::move(faults);
  faults.clear();
  fault_count = 0;
  throw KernelFault(text, std::move(all));
}

}  // namespace cuda_sim
