#include "ops/cpu/device.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "ops/cpu/processor.h"

namespace vq::cpu {

CpuDevice::CpuDevice(const IsaKernels& kernels, int threads, int64_t worth_sharing)
    : isa_(kernels), vec_(kernels.vector), pool_(threads, worth_sharing) {}

DeviceInfo CpuDevice::info() const {
  DeviceInfo info;
  info.name = processor_name();
  info.instructions = isa_.name;
  info.threads = pool_.threads();
  info.fast_bf16 = isa_.bf16.packed == Elem::bf16;
  info.memory_total = memory_total();
  info.memory_available = memory_available();
  return info;
}

void CpuDevice::upload(void* dst, const void* host, size_t bytes) { std::memcpy(dst, host, bytes); }
void CpuDevice::download(void* host, const void* src, size_t bytes) { std::memcpy(host, src, bytes); }

void CpuDevice::copy(const Tensor& dst, const Tensor& src) {
  pool_.ranges(dst.rows, dst.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; r++) {
      if (dst.dtype == src.dtype)
        std::memcpy(run_at(dst, r).data, at(src, r).data, static_cast<size_t>(dst.cols) * size_of(dst.dtype));
      else
        vec_.convert(run_at(dst, r), at(src, r), dst.cols);
    }
  });
}

void CpuDevice::zero(const Tensor& t) {
  pool_.ranges(t.rows, t.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; r++)
      std::memset(run_at(t, r).data, 0, static_cast<size_t>(t.cols) * size_of(t.dtype));
  });
}

size_t CpuDevice::workspace_bytes(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) const {
  return std::max({gemm_workspace(isa_.f32, pool_.threads(), rows, n, k),
                   gemm_workspace(isa_.bf16, pool_.threads(), rows, n, k),
                   attention_workspace(isa_, pool_.threads(), rows, shape)});
}

void CpuDevice::reserve_workspace(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) {
  const size_t bytes = workspace_bytes(rows, n, k, shape);
  if (bytes > workspace_.bytes()) workspace_ = Buffer(bytes);
}

}  // namespace vq::cpu

vq::Device* vq::open_cpu(int threads) {
  if (threads < 0) throw Error("the number of threads is negative");
  if (threads == 0) threads = usable_processors();
  return new cpu::CpuDevice(cpu::choose_kernels(), threads);
}
