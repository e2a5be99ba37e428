// ops/cuda/tensor_core.h on the CPU: the same functions, on top of fragments.h and async_copies.h. Every byte of shared
// memory that they access is checked like any other access; the target of a pending copy must not be accessed.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "tests/cuda_sim/cuda_sim.h"
#include "tests/cuda_sim/fragments.h"

namespace cuda_sim {

constexpr uint32_t kWholeWarp = 0xffffffff;

inline void multiply_fragments(MmaLane* const (&lanes)[32]) { mma_m16n8k16_bf16(lanes); }

// The row that a lane names, and what it gets.
template <int count>
struct MatrixLane {
  const uint16_t* row;
  uint32_t out[count];
};

template <int count, bool transposed>
void gather_matrices(MatrixLane<count>* const (&lanes)[32]) {
  const uint16_t* rows[32];
  uint32_t out[32][count];
  for (int l = 0; l < 32; l++) rows[l] = lanes[l]->row;
  ldmatrix<count>(out, rows, transposed);
  for (int l = 0; l < 32; l++) std::memcpy(lanes[l]->out, out[l], sizeof out[l]);
}

template <int count, bool transposed>
void load_matrices(uint32_t (&out)[count], const Pointer<unsigned char>& shared, int offset,
                   std::source_location where) {
  static const uint16_t nothing[8] = {};
  MatrixLane<count> mine{nothing, {}};
  // The lanes beyond 8 x count specify rows that are not read.
  if (running()->lane < 8 * count) {
    const unsigned char* row = (shared + offset).raw();
    if (shared.region()->allows(row, 16, 16, Access::read)) mine.row = reinterpret_cast<const uint16_t*>(row);
  }
  together<MatrixLane<count>, gather_matrices<count, transposed>>(kWholeWarp, mine, where);
  std::memcpy(out, mine.out, sizeof mine.out);
}

// The copy reads its source and writes when it completes; from now until then its target may not be touched.
template <uint32_t bytes, class T>
void start_copy(const Pointer<unsigned char>& shared, int offset, const Pointer<T>& from, bool exists) {
  unsigned char* to = (shared + offset).raw();
  if (!shared.region()->allows(to, bytes, bytes, Access::copy)) return;
  const bool readable = exists && from.region() && from.region()->allows(from.raw(), bytes, bytes, Access::read);
  if (exists && !from.region()) report(Fault::out_of_bounds, "copies from a pointer to no memory of the device");
  running()->copies.start({to, shared.region(), bytes, readable ? from.raw() : nullptr});
}

inline void finish_copy(const AsyncCopy& copy) {
  copy.region->end_copy(copy.to, copy.bytes);
  if (!copy.region->allows(copy.to, copy.bytes, 1, Access::write)) return;
  if (copy.from) {
    std::memcpy(copy.to, copy.from, copy.bytes);
  } else {
    std::memset(copy.to, 0, copy.bytes);
  }
}

}  // namespace cuda_sim

namespace vq::cuda {

inline void mma_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, VQ_HERE) {
  cuda_sim::MmaLane mine{{a[0], a[1], a[2], a[3]}, {b0, b1}, {c[0], c[1], c[2], c[3]}};
  cuda_sim::together<cuda_sim::MmaLane, cuda_sim::multiply_fragments>(cuda_sim::kWholeWarp, mine, where);
  for (int i = 0; i < 4; i++) c[i] = mine.c[i];
}

template <int count>
void load_matrices(uint32_t (&out)[count], const Shared<unsigned char>& shared, int offset, VQ_HERE) {
  cuda_sim::load_matrices<count, false>(out, shared, offset, where);
}
template <int count>
void load_matrices_transposed(uint32_t (&out)[count], const Shared<unsigned char>& shared, int offset, VQ_HERE) {
  cuda_sim::load_matrices<count, true>(out, shared, offset, where);
}

template <class T>
void copy_16(const Shared<unsigned char>& shared, int offset, const cuda_sim::Pointer<T>& from, bool exists) {
  cuda_sim::start_copy<16>(shared, offset, from, exists);
}
template <class T>
void copy_4(const Shared<unsigned char>& shared, int offset, const cuda_sim::Pointer<T>& from, bool exists) {
  cuda_sim::start_copy<4>(shared, offset, from, exists);
}
inline void copies_commit() { cuda_sim::running()->copies.commit(); }
template <int pending>
void copies_wait() {
  cuda_sim::running()->copies.wait(pending, cuda_sim::finish_copy);
}

inline uint32_t pack_bf16(float low, float high) {
  return __float2bfloat16_rn(low).bits | uint32_t{__float2bfloat16_rn(high).bits} << 16;
}
inline float exp2_fast(float x) { return std::exp2(x); }

}  // namespace vq::cuda
