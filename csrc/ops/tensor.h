// Tensors, and the failures that are reported to the user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace vq {

// A failure with a message for the user: it crosses the C interface as a code and this message.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Not enough memory.
struct NoMemory : Error {
  using Error::Error;
};

enum class DType : uint8_t { f32, bf16, f16 };  // f16 occurs in weight files only

constexpr size_t size_of(DType t) { return t == DType::f32 ? 4 : 2; }

// A view of a row-major matrix in device memory.
struct Tensor {
  void* data = nullptr;
  DType dtype = DType::f32;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;  // elements from one row to the next, >= cols

  bool empty() const { return data == nullptr; }
  // Columns [begin, begin + count) of every row.
  Tensor columns(int64_t begin, int64_t count) const { return {at(begin), dtype, rows, count, stride}; }
  // Rows [begin, begin + count).
  Tensor row_range(int64_t begin, int64_t count) const { return {at(begin * stride), dtype, count, cols, stride}; }

 private:
  // Views of a tensor without data (while memory is only planned) have no data either.
  void* at(int64_t element) const {
    return data ? static_cast<char*>(data) + element * static_cast<int64_t>(size_of(dtype)) : nullptr;
  }
};

}  // namespace vq
