#include "ops/cpu/processor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ops/tensor.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace vq::cpu {
namespace {

#if defined(__x86_64__)
struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf, uint32_t sub = 0) {
  Registers r;
  if (!__get_cpuid_count(leaf, sub, &r.eax, &r.ebx, &r.ecx, &r.edx)) return {};
  return r;
}

constexpr bool bit(uint32_t word, int n) { return word >> n & 1; }

// The register state that the system saves on a context switch (XCR0).
uint64_t saved_state() {
  if (!bit(cpuid(1).ecx, 27)) return 0;
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

bool has_avx2() {
  const Registers one = cpuid(1), seven = cpuid(7);
  return (saved_state() & 0x6) == 0x6 && bit(one.ecx, 12) /* FMA */ && bit(one.ecx, 28) /* AVX */ &&
         bit(one.ecx, 29) /* F16C */ && bit(seven.ebx, 5);
}

bool has_avx512() {
  const uint32_t b = cpuid(7).ebx;
  return has_avx2() && (saved_state() & 0xe6) == 0xe6 && bit(b, 16) /* F */ && bit(b, 17) /* DQ */ &&
         bit(b, 30) /* BW */ && bit(b, 31) /* VL */;
}

bool has_avx512_bf16() { return has_avx512() && cpuid(7).eax >= 1 && bit(cpuid(7, 1).eax, 5); }

bool has_amx() {
  const uint32_t d = cpuid(7).edx;
  if (!has_avx512_bf16() || (saved_state() & 0x60000) != 0x60000 || !bit(d, 24) /* TILE */ || !bit(d, 22) /* BF16 */)
    return false;
#if defined(__linux__)
  // Linux grants the tile registers to processes that request them: arch_prctl(ARCH_REQ_XCOMP_PERM,
  // XFEATURE_XTILEDATA).
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return false;
#endif
}
#endif

float random_number(uint32_t& state) {  // in [-1, 1), exact in bf16
  state = state * 1664525 + 1013904223;
  return static_cast<float>(static_cast<int32_t>(state >> 25) - 64) / 64;
}

// Compares one tile over k in packed panels with plain loops; the operands are exact in bf16, and so are their
// products.
bool check_panels(const PanelKernel& kernel) {
  const int64_t k = 3 * kernel.nr, mr = kernel.mr, nr = kernel.nr;
  std::vector<float> a(static_cast<size_t>(mr * k)), b(static_cast<size_t>(nr * k));
  uint32_t state = 1;
  for (float& x : a) x = random_number(state);
  for (float& x : b) x = random_number(state);
  alignas(64) static thread_local char packed_a[64 * 3 * 64 * 4], packed_b[64 * 3 * 64 * 4];
  alignas(64) static thread_local float c[64 * 64];
  std::fill(std::begin(c), std::end(c), NAN);
  kernel.pack_a(packed_a, {a.data(), Elem::f32, k, 1, 0, true}, 0, mr, 0, k, false);
  kernel.pack_b(packed_b, {b.data(), Elem::f32, k, 1, 0, true}, 0, nr, 0, k, false);
  kernel.tiles(k, packed_a, 0, 1, packed_b, c, 0, false, {});
  for (int64_t i = 0; i < mr; i++)
    for (int64_t j = 0; j < nr; j++) {
      double sum = 0;
      for (int64_t p = 0; p < k; p++)
        sum += double{a[static_cast<size_t>(i * k + p)]} * b[static_cast<size_t>(j * k + p)];
      if (!(std::fabs(c[i * nr + j] - sum) <= 1e-4)) return false;
    }
  return true;
}

#if defined(VQ_X86_KERNELS)
IsaKernels avx512_with(const char* name, const PanelKernel& bf16) {
  IsaKernels kernels = *avx512_kernels();
  kernels.name = name;
  kernels.bf16 = bf16;
  kernels.bf16_gemv = avx512_bf16_unit_kernels()->gemv;
  return kernels;
}
#endif

}  // namespace

#if defined(VQ_X86_KERNELS)
const IsaKernels* avx512_bf16_kernels() {
  static const IsaKernels kernels = avx512_with("avx512-bf16", avx512_bf16_unit_kernels()->panels);
  return &kernels;
}

const IsaKernels* amx_kernels() {
  static const IsaKernels kernels = avx512_with("amx", *amx_panel_kernels());
  return &kernels;
}
#endif

std::vector<const IsaKernels*> all_kernels() {
  std::vector<const IsaKernels*> all = {generic_kernels()};
#if defined(VQ_X86_KERNELS)
  for (const IsaKernels* k : {avx2_kernels(), avx512_kernels(), avx512_bf16_kernels(), amx_kernels()}) all.push_back(k);
#endif
  return all;
}

bool can_run(const IsaKernels& kernels) {
  if (&kernels == generic_kernels()) return true;
#if defined(VQ_X86_KERNELS)
  if (&kernels == avx2_kernels()) return has_avx2();
  if (&kernels == avx512_kernels()) return has_avx512();
  if (&kernels == avx512_bf16_kernels()) return has_avx512_bf16();
  if (&kernels == amx_kernels()) return has_amx();
#endif
  return false;
}

bool self_check(const IsaKernels& kernels) { return check_panels(kernels.f32) && check_panels(kernels.bf16); }

const IsaKernels& choose_kernels() {
  std::vector<const IsaKernels*> all = all_kernels();
  if (const char* cap = std::getenv("VQ_CPU"); cap && *cap) {
    const char* known[] = {"generic", "avx2", "avx512", "avx512-bf16", "amx"};
    const auto* found =
        std::find_if(std::begin(known), std::end(known), [&](const char* k) { return !std::strcmp(k, cap); });
    if (found == std::end(known))
      throw Error(std::string("VQ_CPU is \"") + cap + "\": it must be generic, avx2, avx512, avx512-bf16 or amx");
    all.resize(std::min(all.size(), static_cast<size_t>(found - known) + 1));
  }
  for (size_t i = all.size(); i-- > 0;)
    if (can_run(*all[i]) && self_check(*all[i])) return *all[i];
  throw Error("self-test failed: no GEMM kernel gives the right result on this processor");
}

std::string processor_name() {
#if defined(__APPLE__)
  char name[256] = {};
  size_t length = sizeof name - 1;
  if (sysctlbyname("machdep.cpu.brand_string", name, &length, nullptr, 0) == 0) return name;
#elif defined(__x86_64__)
  if (cpuid(0x80000000).eax >= 0x80000004) {
    char name[49] = {};
    for (uint32_t i = 0; i < 3; i++) {
      const Registers r = cpuid(0x80000002 + i);
      std::memcpy(name + 16 * i, &r, 16);
    }
    std::string trimmed = name;
    trimmed.erase(0, trimmed.find_first_not_of(' '));
    while (!trimmed.empty() && trimmed.back() == ' ') trimmed.pop_back();
    if (!trimmed.empty()) return trimmed;
  }
#endif
  return "CPU";
}

}  // namespace vq::cpu
