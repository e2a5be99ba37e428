#include "ops/cuda/wgmma.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tests/cuda_sim/fragments.h"

namespace cuda_sim {
namespace {

constexpr int kThreads = 128, kRows = 64, kDepth = 16, kMostColumns = 256;

float value(uint32_t bf16) { return std::bit_cast<float>(bf16 << 16); }

// Reads one matrix through its descriptor: store(mn, k, value) for each element.
template <class Store>
bool read_matrix(const MatrixLayout& layout, bool mn_major, uint32_t size, WgmmaReads& reads, Store store) {
  if (const char* wrong = layout.fault()) {
    report(Fault::misaligned, std::string("starts a wgmma whose descriptor ") + wrong);
    return false;
  }
  for (uint32_t outer = 0; outer < (mn_major ? kDepth : size); outer++)
    for (uint32_t inner = 0; inner < (mn_major ? size : kDepth); inner += 8) {
      const uint32_t mn = mn_major ? inner : outer, k = mn_major ? outer : inner;
      const Region* region = nullptr;
      const void* chunk = running()->block->in_window(layout.chunk(mn, k), &region);
      if (!chunk || !region->start_wgmma(chunk)) return false;
      reads.chunks.push_back(chunk);
      uint16_t elements[8];
      std::memcpy(elements, chunk, sizeof elements);
      for (uint32_t i = 0; i < 8; i++) store(mn + (mn_major ? i : 0), k + (mn_major ? 0 : i), value(elements[i]));
    }
  return true;
}

void multiply(float (&c)[kRows][kMostColumns], const float (&a)[kRows][kDepth], const float (&b)[kDepth][kMostColumns],
              int n) {
  for (int m = 0; m < kRows; m++)
    for (int k = 0; k < kDepth; k++)
      for (int j = 0; j < n; j++) c[m][j] += a[m][k] * b[k][j];
}

bool agree(void* const (&parts)[kThreads]) {
  const auto& first = *static_cast<const WgmmaPart*>(parts[0]);
  for (void* p : parts) {
    const auto& part = *static_cast<const WgmmaPart*>(p);
    if (part.a == first.a && part.b == first.b && part.n == first.n && part.add == first.add &&
        part.by_columns == first.by_columns && !part.left == !first.left) {
      continue;
    }
    report(Fault::barrier, "starts another wgmma than other threads of its warpgroup");
    return false;
  }
  return true;
}

}  // namespace

void multiply_parts(void* const (&parts)[kThreads]) {
  static thread_local float a[kRows][kDepth], b[kDepth][kMostColumns], c[kRows][kMostColumns];
  const auto part = [&](int t) -> const WgmmaPart& { return *static_cast<const WgmmaPart*>(parts[t]); };
  const WgmmaPart& first = part(0);
  const auto reads = std::make_shared<WgmmaReads>();
  reads->waiting = kThreads;
  const size_t begin = running()->now.thread / kThreads * kThreads;
  for (size_t t = 0; t < kThreads; t++) {
    running()->block->threads[begin + t].wgmmas.start(
        {part(static_cast<int>(t)).sum_registers, part(static_cast<int>(t)).left_registers, reads});
  }
  if (!agree(parts)) return;
  const auto n = static_cast<uint32_t>(first.n);
  if (!first.left && !read_matrix(MatrixLayout(first.a, false), false, kRows, *reads,
                                  [&](uint32_t m, uint32_t k, float x) { a[m][k] = x; })) {
    return;
  }
  if (!read_matrix(MatrixLayout(first.b, first.by_columns), first.by_columns, n, *reads,
                   [&](uint32_t j, uint32_t k, float x) { b[k][j] = x; })) {
    return;
  }
  // A warp has 16 rows, in the fragments of mma.m16n8k16.
  for (int t = 0; t < kThreads; t++) {
    const int warp = t / 32, lane = t % 32;
    for (int i = 0; first.left && i < 4; i++)
      for (int half = 0; half < 2; half++) {
        const uint32_t pair = part(t).left[i];
        a[16 * warp + mma_a_row(lane, i)][mma_a_col(lane, i, half)] = value(half ? pair >> 16 : pair & 0xffff);
      }
    for (int i = 0; i < first.n / 2; i++) {
      c[16 * warp + mma_c_row(lane, i % 4)][8 * (i / 4) + mma_c_col(lane, i % 4)] = first.add ? part(t).sums[i] : 0;
    }
  }
  multiply(c, a, b, first.n);
  for (int t = 0; t < kThreads; t++)
    for (int i = 0; i < first.n / 2; i++) {
      part(t).sums[i] = c[16 * (t / 32) + mma_c_row(t % 32, i % 4)][8 * (i / 4) + mma_c_col(t % 32, i % 4)];
    }
}

void start_wgmma(WgmmaPart& part, std::source_location where) {
  Thread& t = *running();
  for (const Registers* r : {part.sum_registers, part.left_registers}) {
    if (!r || t.wgmma_fences > r->touched) continue;
    report(Fault::race, "starts a wgmma with registers that it touched after its last wgmma_fence()");
    break;
  }
  if (const Registers* left = part.left_registers; left && left->named <= left->touched) {
    report(Fault::race, "starts a wgmma with an operand that no wgmma_fence() named after the thread wrote it");
  }
  t.block->meet_warpgroup(&part, multiply_parts, where);
}

void fence(std::initializer_list<Registers*> named) {
  const uint32_t count = ++running()->wgmma_fences;
  for (Registers* r : named) r->named = count;
}

void wait_for_wgmmas(size_t pending, std::initializer_list<const Registers*> named) {
  const auto names = [&](const Registers* r) { return !r || std::ranges::find(named, r) != named.end(); };
  running()->wgmmas.wait(pending, [&](const StartedWgmma& p) {
    if (!names(p.sums) || !names(p.left))
      report(Fault::race, "completes a wgmma with a wait that does not name its registers");
    if (--p.reads->waiting > 0) return;
    for (const void* chunk : p.reads->chunks) {
      const Region* region = running()->block->dynamic_region();
      region->end_wgmma(chunk);
    }
  });
}

void touch(Registers& registers) {
  registers.touched = running()->wgmma_fences;
  if (registers.under_way > 0) report(Fault::race, "touches registers of a pending wgmma");
}

}  // namespace cuda_sim
