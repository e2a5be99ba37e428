// Device memory of one part of the engine, allocated when the part is made and freed with it.
//
// Memory is planned and allocated by the same code: a counting Arena returns tensors without data and only adds up
// their bytes. It needs no device, only what would be allocated on one.
#pragma once

#include <array>
#include <vector>

#include "ops/device.h"

namespace vq {

enum class Purpose { parameters, gradients, optimizer, activations, workspace };

class Arena {
 public:
  explicit Arena(Device& device) : needs_(device), device_(&device) {}
  static Arena counting(const MemoryNeeds& needs) { return Arena(needs, nullptr); }
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

  bool counting() const { return !device_; }
  const MemoryNeeds& needs() const { return needs_; }
  Device& device() const { return *device_; }  // not of a counting arena

  // On the device. Host memory counts if the device has none of its own.
  size_t bytes(Purpose purpose) const;
  size_t total() const;
  // In the host's memory, in addition.
  size_t host_bytes() const { return host_bytes_; }

 private:
  // Throws NoMemory if the sum is not a size any more.
  static void add(size_t& sum, size_t bytes);
  Arena(const MemoryNeeds& needs, Device* device) : needs_(needs), device_(device) {}
  void* allocate(Purpose purpose, size_t bytes);
  void* allocate_host(Purpose purpose, size_t bytes);

  const MemoryNeeds& needs_;
  Device* device_;  // null: counts
  std::array<size_t, 5> bytes_{};
  size_t workspace_ = 0, cast_workspace_ = 0;  // of the device's ops
  size_t host_bytes_ = 0;
  std::vector<void*> allocated_;
  std::vector<void*> allocated_host_;
};

}  // namespace vq
