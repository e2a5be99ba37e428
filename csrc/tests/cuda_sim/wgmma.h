// ops/cuda/wgmma.h on the CPU: the same functions. A wgmma is computed when the last thread of the warpgroup reaches
// it, from the memory that its descriptors specify; until a thread has waited for it, that thread must not access its
// registers, and no thread may write the shared memory that it reads. Writes to shared memory are visible to wgmma only
// after shared_fence() in the writing thread and a barrier.
#pragma once

#include <cstdint>
#include <cstring>
#include <source_location>

#include "tests/cuda_sim/block.h"
#include "tests/cuda_sim/matrix_layout.h"

namespace cuda_sim {

// What one thread brings to a product.
struct ProductPart {
  uint64_t a, b;         // descriptors; a: only without `left`
  const uint32_t* left;  // 4 registers with bf16 in pairs, or null
  float* sums;           // n / 2
  int n;
  bool add, by_columns;
  Registers *sum_registers, *left_registers;
};
// c[64, n] = a[64, 16] b[16, n], or += ; the parts of 128 threads.
void multiply_parts(void* const (&parts)[128]);
void start_product(ProductPart& part, std::source_location where);
void wait_for_products(size_t pending);
// The running thread touches registers; a fault while a product that uses them is under way.
void touch(Registers& registers);

}  // namespace cuda_sim

namespace vq::cuda {

constexpr bool kHasWgmma = true;

inline uint32_t shared_address(const Shared<unsigned char>& shared, int offset) {
  return cuda_sim::window_address(shared) + static_cast<uint32_t>(offset);
}

// Registers of one thread. They begin as NaN, in f32 and in bf16.
template <class T, int count>
class ProductRegisters {
 public:
  ProductRegisters() { std::memset(values_, 0xff, sizeof values_); }
  ProductRegisters(const ProductRegisters&) = delete;
  ProductRegisters& operator=(const ProductRegisters&) = delete;
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
class Accumulator : public ProductRegisters<float, n / 2> {};
template <int k>
class RowFragment : public ProductRegisters<uint32_t, k / 4> {};

inline void shared_fence() { cuda_sim::running()->shared_fences++; }
inline void wgmma_fence() { cuda_sim::running()->wgmma_fences++; }
inline void wgmma_commit() { cuda_sim::running()->products.commit(); }
template <int pending, class... Sums>
void wgmma_wait(Sums&...) {
  cuda_sim::wait_for_products(pending);
}

template <bool by_columns, int n>
void wgmma(Accumulator<n>& c, MatrixDescriptor a, MatrixDescriptor b, bool add, VQ_HERE) {
  cuda_sim::ProductPart part{a.bits, b.bits, nullptr, c.raw(), n, add, by_columns, c.use(), nullptr};
  cuda_sim::start_product(part, where);
}
template <bool by_columns, int n, int k>
void wgmma(Accumulator<n>& c, const RowFragment<k>& a, int step, MatrixDescriptor b, bool add, VQ_HERE) {
  cuda_sim::ProductPart part{0, b.bits, a.raw() + 4 * step, c.raw(), n, add, by_columns, c.use(), a.use()};
  cuda_sim::start_product(part, where);
}

}  // namespace vq::cuda
