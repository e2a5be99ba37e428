// Device memory of one part of the engine, allocated when the part is made and freed with it.
//
// Memory is planned and allocated by the same code: an Arena in counting mode returns tensors without data and only
// adds up their bytes.
#pragma once

#include <array>
#include <vector>

#include "ops/ops.h"

namespace vq {

enum class Purpose { parameters, gradients, optimizer, activations, workspace };

class Arena {
 public:
  enum class Mode { allocate, count };
  Arena(Device& device, Mode mode) : device_(device), mode_(mode) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // [rows, cols], zeroed.
  Tensor matrix(Purpose purpose, DType dtype, int64_t rows, int64_t cols);
  template <class T>
  T* array(Purpose purpose, int64_t count) {
    return static_cast<T*>(allocate(purpose, static_cast<size_t>(count) * sizeof(T)));
  }
  // Page-locked memory of the host, for fast transfers.
  template <class T>
  T* host_array(Purpose purpose, int64_t count) {
    return static_cast<T*>(allocate_host(purpose, static_cast<size_t>(count) * sizeof(T)));
  }
  // The workspace of the device's ops, which all ops share: the largest of several calls counts.
  void reserve_workspace(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape);
  void reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format);

  bool counting() const { return mode_ == Mode::count; }
  size_t bytes(Purpose purpose) const {
    return bytes_[static_cast<size_t>(purpose)] + (purpose == Purpose::workspace ? device_workspace() : 0);
  }
  size_t total() const;
  size_t device_workspace() const { return device_workspace_ + device_cast_workspace_; }
  size_t host_bytes() const { return host_bytes_; }  // part of the bytes by purpose

 private:
  void* allocate(Purpose purpose, size_t bytes);
  void* allocate_host(Purpose purpose, size_t bytes);

  Device& device_;
  Mode mode_;
  std::array<size_t, 5> bytes_{};
  size_t device_workspace_ = 0, device_cast_workspace_ = 0;
  size_t host_bytes_ = 0;
  std::vector<void*> allocated_;
  std::vector<void*> allocated_host_;
};

}  // namespace vq
