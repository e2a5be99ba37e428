#include "tests/support.h"

#include "tests/cpu/emulated.h"

std::vector<const vq::cpu::IsaKernels*> vq::test::testable_kernels() {
  std::vector<const cpu::IsaKernels*> some;
  for (const cpu::IsaKernels* k : cpu::all_kernels())
    if (cpu::can_run(*k)) some.push_back(k);
  for (const cpu::IsaKernels& k : emulated_kernels()) some.push_back(&k);
  return some;
}
