// Device memory of one part of the engine, taken at its making and given back at its end.
//
// The plan of the memory and the taking of it are the same code: a counting Memory hands out tensors without data and
// only adds up.
#pragma once

#include <array>
#include <vector>

#include "ops/ops.h"

namespace vq {

enum class Purpose { parameters, gradients, optimizer, activations, workspace };

class Memory {
 public:
  enum class Mode { take, count };
  Memory(Device& device, Mode mode) : device_(device), mode_(mode) {}
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // [rows, cols], zeroed.
  Tensor matrix(Purpose purpose, DType dtype, int64_t rows, int64_t cols);
  template <class T>
  T* array(Purpose purpose, int64_t count) {
    return static_cast<T*>(take(purpose, static_cast<size_t>(count) * sizeof(T)));
  }
  // Memory of the host that transfers fast.
  template <class T>
  T* host_array(Purpose purpose, int64_t count) {
    return static_cast<T*>(take_host(purpose, static_cast<size_t>(count) * sizeof(T)));
  }
  // The scratch of the device's ops: of several calls the largest counts.
  void reserve_workspace(int64_t rows, int64_t n, int64_t k, const AttentionShape& shape);
  void reserve_cast_workspace(int64_t rows, int64_t widest, WeightFormat format);

  bool counting() const { return mode_ == Mode::count; }
  size_t bytes(Purpose purpose) const {
    return bytes_[static_cast<size_t>(purpose)] + (purpose == Purpose::workspace ? device_workspace() : 0);
  }
  size_t total() const;
  size_t device_workspace() const { return device_workspace_ + device_rounding_; }
  size_t host_bytes() const { return host_bytes_; }  // of those by purpose

 private:
  void* take(Purpose purpose, size_t bytes);
  void* take_host(Purpose purpose, size_t bytes);

  Device& device_;
  Mode mode_;
  std::array<size_t, 5> bytes_{};
  size_t device_workspace_ = 0, device_rounding_ = 0;
  size_t host_bytes_ = 0;
  std::vector<void*> taken_;
  std::vector<void*> taken_host_;
};

}  // namespace vq
