// The pointer type of kernels: under nvcc Global<T> and Shared<T> are T*; here they are this. It keeps its original
// region and checks every read and write (memory.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tests/cuda_sim/block.h"

namespace cuda_sim {

template <class T>
class Pointer;

// An element in memory, as *p and p[i] return it: using it as a value reads, assigning to it writes.
template <class T>
class Element {
 public:
  using Value = std::remove_const_t<T>;
  Element(T* p, const Region* region) : p_(p), region_(region) {}
  Element(const Element&) = default;

  operator Value() const {
    Value v{};
    if (allowed(Access::read)) std::memcpy(&v, p_, sizeof v);
    return v;
  }
  const Element& operator=(const Value& v) const {
    static_assert(!std::is_const_v<T>);
    if (allowed(Access::write)) std::memcpy(p_, &v, sizeof v);
    return *this;
  }
  const Element& operator=(const Element& other) const { return *this = static_cast<Value>(other); }
  template <class U>
  const Element& operator+=(const U& v) const {
    return *this = static_cast<Value>(static_cast<Value>(*this) + v);
  }
  template <class U>
  const Element& operator-=(const U& v) const {
    return *this = static_cast<Value>(static_cast<Value>(*this) - v);
  }
  template <class U>
  const Element& operator*=(const U& v) const {
    return *this = static_cast<Value>(static_cast<Value>(*this) * v);
  }
  Pointer<T> operator&() const { return {p_, region_}; }  // NOLINT: the address of the element, as in C

 private:
  bool allowed(Access access) const {
    if (!region_) {
      report(Fault::out_of_bounds, "follows a pointer to no memory of the device");
      return false;
    }
    return region_->allows(p_, sizeof(T), alignof(T), access);
  }
  T* p_;
  const Region* region_;
};

template <class T>
class Pointer {
 public:
  Pointer() = default;
  Pointer(std::nullptr_t) {}                                       // NOLINT: as a pointer is
  Pointer(T* p) : p_(p), region_(p ? find_global(p) : nullptr) {}  // NOLINT: of the host, to global memory
  Pointer(T* p, const Region* region) : p_(p), region_(region) {}
  template <class U>
  requires std::is_same_v<const U, T> Pointer(const Pointer<U>& other)
      : p_(other.raw()), region_(other.region()) {}  // NOLINT: to const

  Element<T> operator[](int64_t i) const { return {at(i), region_}; }
  Element<T> operator*() const { return {p_, region_}; }
  Pointer operator+(int64_t i) const { return {at(i), region_}; }
  Pointer operator-(int64_t i) const { return {at(-i), region_}; }
  Pointer& operator+=(int64_t i) { return *this = *this + i; }
  Pointer& operator++() { return *this += 1; }
  explicit operator bool() const { return p_ != nullptr; }
  bool operator==(std::nullptr_t) const { return p_ == nullptr; }

  T* raw() const { return p_; }  // for the shim itself
  const Region* region() const { return region_; }

 private:
  // Addresses are plain numbers: one outside the region is not a fault until it is dereferenced.
  T* at(int64_t i) const {
    return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(p_) + static_cast<uintptr_t>(i) * sizeof(T));
  }
  T* p_ = nullptr;
  const Region* region_ = nullptr;
};

// The same memory as elements of another type, for wide loads and stores.
template <class To, class From>
Pointer<To> retyped(const Pointer<From>& p) {
  return {reinterpret_cast<To*>(reinterpret_cast<uintptr_t>(p.raw())), p.region()};
}

template <class T, class V>
T atomic_update(const Pointer<T>& p, V&& changed) {
  T old{};
  if (!p.region()) {
    report(Fault::out_of_bounds, "follows a pointer to no memory of the device");
  } else if (p.region()->allows(p.raw(), sizeof(T), alignof(T), Access::atomic)) {
    std::memcpy(&old, p.raw(), sizeof old);
    const T now = changed(old);
    std::memcpy(p.raw(), &now, sizeof now);
  }
  return old;
}

}  // namespace cuda_sim

template <class T>
T atomicAdd(const cuda_sim::Pointer<T>& p, std::type_identity_t<T> v) {
  return cuda_sim::atomic_update(p, [&](T old) { return static_cast<T>(old + v); });
}
template <class T>
T atomicMax(const cuda_sim::Pointer<T>& p, std::type_identity_t<T> v) {
  return cuda_sim::atomic_update(p, [&](T old) { return old < v ? v : old; });
}
template <class T>
T atomicMin(const cuda_sim::Pointer<T>& p, std::type_identity_t<T> v) {
  return cuda_sim::atomic_update(p, [&](T old) { return v < old ? v : old; });
}
template <class T>
T atomicExch(const cuda_sim::Pointer<T>& p, std::type_identity_t<T> v) {
  return cuda_sim::atomic_update(p, [&](T) { return v; });
}
