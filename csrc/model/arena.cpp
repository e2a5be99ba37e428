#include "model/arena.h"

#include <algorithm>
#include <numeric>

namespace vq {

Memory::~Memory() {
  for (void* p : taken_) device_.free(p);
  for (void* p : taken_host_) device_.host_free(p);
}

Tensor Memory::matrix(Purpose purpose, DType dtype, int64_t rows, int64_t cols) {
  return {take(purpose, static_cast<size_t>(rows * cols) * size_of(dtype)), dtype, rows, cols, cols};
}

void Memory::reserve_workspace(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) {
  device_workspace_ = std::max(device_workspace_, device_.workspace_bytes(rows, n, k, shape));
  if (!counting()) device_.reserve_workspace(rows, n, k, shape);
}

void Memory::reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format) {
  device_rounding_ = std::max(device_rounding_, device_.cast_workspace_bytes(rows, widest, format));
  if (!counting()) device_.reserve_cast_workspace(rows, widest, format);
}

size_t Memory::total() const { return std::accumulate(bytes_.begin(), bytes_.end(), device_workspace()); }

void* Memory::take(Purpose purpose, size_t bytes) {
  bytes_[static_cast<size_t>(purpose)] += bytes;
  if (counting() || bytes == 0) return nullptr;
  taken_.reserve(taken_.size() + 1);  // so that remembering cannot fail after taking
  void* p = device_.alloc(bytes);
  taken_.push_back(p);
  return p;
}

void* Memory::take_host(Purpose purpose, size_t bytes) {
  bytes_[static_cast<size_t>(purpose)] += bytes;
  host_bytes_ += bytes;
  if (counting() || bytes == 0) return nullptr;
  taken_host_.reserve(taken_host_.size() + 1);
  void* p = device_.host_alloc(bytes);
  taken_host_.push_back(p);
  return p;
}

}  // namespace vq
