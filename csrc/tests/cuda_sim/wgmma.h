// ops/cuda/wgmma.h on the CPU: the same functions. A wgmma is computed when the last thread of the warpgroup reaches
// it, from the memory that its descriptors specify; until a thread has waited for it, that thread must not access its
// registers, and no thread may write the shared memory that it reads. Writes to shared memory are visible to wgmma only
// after shared_fence() in the writing thread and a barrier. The wait that completes a wgmma must name its registers,
// and a fence the operand that the thread has written: the compiler keeps them only for those who are named.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <source_location>

#include "tests/cuda_sim/block.h"
#include "tests/cuda_sim/matrix_layout.h"

namespace cuda_sim {

// One thread's part of a wgmma.
struct WgmmaPart {
  uint64_t a, b;         // descriptors; a: only without `left`
  const uint32_t* left;  // 4 registers with bf16 in pairs, or null
  float* sums;           // n / 2
  int n;
  bool add, by_columns;
  Registers *sum_registers, *left_registers;
};
// c[64, n] = a[64, 16] b[16, n], or += ; the parts of 128 threads.
void multiply_parts(void* const (&parts)[128]);
void start_wgmma(WgmmaPart& part, std::source_location where);
void wait_for_wgmmas(size_t pending, std::initializer_list<const Registers*> named);
void fence(std::initializer_list<Registers*> named);
// The running thread touches registers; a fault while a pending wgmma uses them.
void touch(Registers& registers);

}  // namespace cuda_sim

namespace vq::cuda {

constexpr bool kHasWgmma = true;

inline uint32_t shared_address(const Shared<unsigned char>& shared, int offset) {
  return cuda_sim::window_address(shared) + static_cast<uint32_t>(offset);
}

// Registers of one thread. They begin as NaN, in f32 and in bf16.
template <class T, int count>
class WgmmaRegisters {
 public:
  WgmmaRegisters() { std::memset(values_, 0xff, sizeof values_); }
  WgmmaRegisters(const WgmmaRegisters&) = delete;
  WgmmaRegisters& operator=(const WgmmaRegisters&) = delete;
  T& operator[](int i) {
    cuda_sim::touch(use_);
    return values_[i];
  }
  T operator[](int i) const {
    cuda_sim::touch(use_);
    return values_[i];
  }
  // For the shim itself.
  T* raw() { return values_; }
  const T* raw() const { return values_; }
  cuda_sim::Registers* use() const { return &use_; }

 private:
  T values_[count];
  mutable cuda_sim::Registers use_;
};

template <int n>
class Accumulator : public WgmmaRegisters<float, n / 2> {};
template <int k>
class RowFragment : public WgmmaRegisters<uint32_t, k / 4> {};

inline void shared_fence() { cuda_sim::running()->shared_fences++; }
template <class... Named>
void wgmma_fence(Named&... registers) {
  cuda_sim::fence({registers.use()...});
}
inline void wgmma_commit() { cuda_sim::running()->wgmmas.commit(); }
template <int pending, class... Named>
void wgmma_wait(Named&... registers) {
  cuda_sim::wait_for_wgmmas(pending, {registers.use()...});
}

template <bool by_columns, int n>
void wgmma(Accumulator<n>& c, MatrixDescriptor a, MatrixDescriptor b, bool add, VQ_HERE) {
  cuda_sim::WgmmaPart part{a.bits, b.bits, nullptr, c.raw(), n, add, by_columns, c.use(), nullptr};
  cuda_sim::start_wgmma(part, where);
}
template <bool by_columns, int n, int k>
void wgmma(Accumulator<n>& c, const RowFragment<k>& a, int step, MatrixDescriptor b, bool add, VQ_HERE) {
  cuda_sim::WgmmaPart part{0, b.bits, a.raw() + 4 * step, c.raw(), n, add, by_columns, c.use(), a.use()};
  cuda_sim::start_wgmma(part, where);
}

}  // namespace vq::cuda
