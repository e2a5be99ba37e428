// A separate stack that code runs on until it yields: one for each thread of a block.
#pragma once

#include <cstddef>

namespace cuda_sim {

class Fiber {
 public:
  using Body = void (*)(void* argument);

  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Sets what the next resume() runs. A fiber that has finished a body can start another; otherwise it cannot be
  // reused.
  void start(Body body, void* argument);
  void resume();  // until the body yields or returns
  void yield();   // from within the body: back to resume()

 private:
  static void main(Fiber* self);
  void enter();
  void leave();

  char* stack_ = nullptr;  // of the fiber
  void* own_ = nullptr;    // where it goes on
  void* caller_ = nullptr;
  Body body_ = nullptr;
  void* argument_ = nullptr;
  // For AddressSanitizer, which must track the current stack.
  void* own_fake_stack_ = nullptr;
  void* caller_fake_stack_ = nullptr;
  const void* caller_stack_ = nullptr;
  size_t caller_stack_bytes_ = 0;
};

}  // namespace cuda_sim
