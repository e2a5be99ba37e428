#include "ops/cpu/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "ops/cpu/host_memory.h"
#include "ops/tensor.h"

#if defined(__APPLE__)
#include <mach/mach.h>
#include <sys/sysctl.h>
#endif

namespace vq::cpu {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// Each allocation is preceded by its size, in a separate cache line.
struct Header {
  void* base;
  size_t mapped;
};

}  // namespace

void* allocate(size_t bytes) {
  // Large blocks start on a huge page, and the header occupies a cache line before the data.
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const bool large = bytes >= kHugePage;
  size_t mapped = bytes + kAlign + (large ? kHugePage : 0);
  if (mapped < bytes) throw NoMemory("out of memory: the requested size is impossible");
  mapped = (mapped + page - 1) / page * page;
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    throw NoMemory("out of memory: " + std::to_string(bytes >> 20) + " MiB could not be allocated");
  char* data = static_cast<char*>(base) + kAlign;
  if (large) {
    const uintptr_t up = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
    data = reinterpret_cast<char*>(up);
#if defined(MADV_HUGEPAGE)
    madvise(data, bytes, MADV_HUGEPAGE);
#endif
  }
  *reinterpret_cast<Header*>(data - kAlign) = {base, mapped};
  return data;
}

void release(void* p) {
  if (!p) return;
  const Header header = *reinterpret_cast<Header*>(static_cast<char*>(p) - kAlign);
  munmap(header.base, header.mapped);
}

void* Arena::take_bytes(size_t bytes) {
  bytes = aligned(bytes);
  if (bytes > left()) throw Error("the workspace of the engine is too small for this shape: this is a bug");
  void* p = next_;
  next_ += bytes;
  return p;
}

uint64_t memory_total() {
#if defined(__APPLE__)
  uint64_t bytes = 0;
  size_t length = sizeof bytes;
  return sysctlbyname("hw.memsize", &bytes, &length, nullptr, 0) == 0 ? bytes : 0;
#else
  return host_memory("").total;
#endif
}

uint64_t memory_available() {
#if defined(__APPLE__)
  vm_statistics64_data_t vm;
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  if (host_statistics64(mach_host_self(), HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&vm), &count) != KERN_SUCCESS)
    return memory_total();
  const uint64_t pages = uint64_t{vm.free_count} + vm.inactive_count + vm.purgeable_count;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
#else
  return host_memory("").available;
#endif
}

}  // namespace vq::cpu
