#include "model/arena.h"

#include <algorithm>
#include <numeric>

namespace vq {

Arena::~Arena() {
  for (void* p : allocated_) device_->free(p);
  for (void* p : allocated_host_) device_->host_free(p);
}

Tensor Arena::matrix(Purpose purpose, DType dtype, int64_t rows, int64_t cols) {
  return {allocate(purpose, static_cast<size_t>(rows * cols) * size_of(dtype)), dtype, rows, cols, cols};
}

void Arena::reserve_workspace(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape) {
  workspace_ = std::max(workspace_, needs_.workspace_bytes(rows, n, k, shape));
  if (device_) device_->reserve_workspace(rows, n, k, shape);
}

void Arena::reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format) {
  cast_workspace_ = std::max(cast_workspace_, needs_.cast_workspace_bytes(rows, widest, format));
  if (device_) device_->reserve_cast_workspace(rows, widest, format);
}

size_t Arena::bytes(Purpose purpose) const {
  return bytes_[static_cast<size_t>(purpose)] + (purpose == Purpose::workspace ? workspace_ + cast_workspace_ : 0);
}

size_t Arena::total() const { return std::accumulate(bytes_.begin(), bytes_.end(), workspace_ + cast_workspace_); }

void Arena::add(size_t& sum, size_t bytes) {
  constexpr size_t kMost = size_t{1} << 60;  // so that sums of a few do not overflow
  if (bytes > kMost || sum + bytes > kMost) throw NoMemory("more memory is needed than any machine has");
  sum += bytes;
}

void* Arena::allocate(Purpose purpose, size_t bytes) {
  add(bytes_[static_cast<size_t>(purpose)], bytes);
  if (counting() || bytes == 0) return nullptr;
  allocated_.reserve(allocated_.size() + 1);  // so that push_back cannot fail after the allocation
  void* p = device_->alloc(bytes);
  allocated_.push_back(p);
  return p;
}

void* Arena::allocate_host(Purpose purpose, size_t bytes) {
  if (needs_.capabilities().discrete_memory) {
    add(host_bytes_, bytes);
  } else {
    add(bytes_[static_cast<size_t>(purpose)], bytes);
  }
  if (counting() || bytes == 0) return nullptr;
  allocated_host_.reserve(allocated_host_.size() + 1);
  void* p = device_->host_alloc(bytes);
  allocated_host_.push_back(p);
  return p;
}

}  // namespace vq
