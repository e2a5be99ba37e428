// Memory of the CPU device: whole pages, 64-byte aligned and zeroed; large blocks on huge pages if the system has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vq::cpu {

void* allocate(size_t bytes);  // throws vq::Error
void release(void* p);

uint64_t memory_total();
uint64_t memory_available();  // what can be allocated now without swapping

// Owns such memory.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes) : data_(bytes ? allocate(bytes) : nullptr), bytes_(bytes) {}
  ~Buffer() { release(data_); }
  Buffer(Buffer&& other) noexcept { *this = static_cast<Buffer&&>(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      release(data_);
      data_ = other.data_;
      bytes_ = other.bytes_;
      other.data_ = nullptr;
      other.bytes_ = 0;
    }
    return *this;
  }
  char* data() const { return static_cast<char*>(data_); }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

constexpr size_t kAlign = 64;
constexpr size_t aligned(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// Suballocates one buffer; used by ops for scratch of known size.
class Arena {
 public:
  explicit Arena(const Buffer& buffer) : Arena(buffer.data(), buffer.bytes()) {}
  Arena(char* data, size_t bytes) : next_(data), end_(data + bytes) {}
  size_t left() const { return static_cast<size_t>(end_ - next_); }
  template <class T>
  T* take(size_t count) {
    return static_cast<T*>(take_bytes(count * sizeof(T)));
  }
  void* take_bytes(size_t bytes);  // throws vq::Error if the workspace is too small

 private:
  char* next_;
  char* end_;
};

}  // namespace vq::cpu
