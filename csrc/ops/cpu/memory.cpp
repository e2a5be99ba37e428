#include "ops/cpu/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

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

#if defined(__linux__)
// A line "Name:   123 kB" of a file under /proc, in bytes; 0 when it is missing.
uint64_t proc_kilobytes(const char* path, const char* name) {
  FILE* f = std::fopen(path, "r");
  if (!f) return 0;
  char line[256];
  unsigned long long kb = 0;
  const size_t length = std::strlen(name);
  while (std::fgets(line, sizeof line, f))
    if (std::strncmp(line, name, length) == 0 && std::sscanf(line + length, ": %llu", &kb) == 1) break;
  std::fclose(f);
  return static_cast<uint64_t>(kb) * 1024;
}

// A file with a single number; `none` if it is missing or "max".
uint64_t number_in(const char* path, uint64_t none) {
  FILE* f = std::fopen(path, "r");
  if (!f) return none;
  unsigned long long value = 0;
  const bool ok = std::fscanf(f, "%llu", &value) == 1;
  std::fclose(f);
  return ok ? static_cast<uint64_t>(value) : none;
}
#endif

}  // namespace

void* allocate(size_t bytes) {
  // Large blocks start on a huge page, and the header occupies a cache line before the data.
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const bool large = bytes >= 2 * kHugePage;
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
  const uint64_t total = proc_kilobytes("/proc/meminfo", "MemTotal");
  const uint64_t limit = number_in("/sys/fs/cgroup/memory.max", UINT64_MAX);
  return limit < total ? limit : total;
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
  uint64_t available = proc_kilobytes("/proc/meminfo", "MemAvailable");
  const uint64_t limit = number_in("/sys/fs/cgroup/memory.max", UINT64_MAX);
  if (limit != UINT64_MAX) {
    // The group's page cache counts as used there, but is reclaimed on demand.
    uint64_t used = number_in("/sys/fs/cgroup/memory.current", 0);
    FILE* f = std::fopen("/sys/fs/cgroup/memory.stat", "r");
    if (f) {
      char line[128];
      unsigned long long bytes;
      while (std::fgets(line, sizeof line, f))
        if (std::sscanf(line, "inactive_file %llu", &bytes) == 1) used -= bytes < used ? bytes : used;
      std::fclose(f);
    }
    const uint64_t left = limit > used ? limit - used : 0;
    if (left < available) available = left;
  }
  return available;
#endif
}

}  // namespace vq::cpu
