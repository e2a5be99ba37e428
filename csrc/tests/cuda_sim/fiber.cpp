#include "tests/cuda_sim/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define VQ_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VQ_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(VQ_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// cuda_sim_switch(save, next) goes on where `next` stopped, and leaves in *save where to come back to. On x86-64 by
// hand, since swapcontext() makes a system call each time; elsewhere by ucontext.
#if defined(__x86_64__) && defined(__ELF__)
extern "C" void cuda_sim_switch(void** save, void* next);
asm(R"(
.pushsection .text
.globl cuda_sim_switch
.hidden cuda_sim_switch
.type cuda_sim_switch, @function
cuda_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_sim_switch, .-cuda_sim_switch
.globl cuda_sim_begin
.hidden cuda_sim_begin
.type cuda_sim_begin, @function
cuda_sim_begin:
  movq %rbx, %rdi
  callq *%rbp
.size cuda_sim_begin, .-cuda_sim_begin
.popsection
)");
extern "C" void cuda_sim_begin();

namespace {
void* fresh(char* stack, size_t bytes, void (*main)(cuda_sim::Fiber*), cuda_sim::Fiber* self) {
  // What cuda_sim_switch pops: r15 r14 r13 r12 rbx rbp, then where it returns to. The stack is aligned to 16 bytes
  // where main is called.
  void** top = reinterpret_cast<void**>(stack + bytes) - 9;
  top[4] = self;
  top[5] = reinterpret_cast<void*>(main);
  top[6] = reinterpret_cast<void*>(cuda_sim_begin);
  return top;
}
void discard(void*) {}
void switch_to(void** save, void* next) { cuda_sim_switch(save, next); }
}  // namespace
#else
#include <ucontext.h>

#include <cstdint>

namespace {
using Main = void (*)(cuda_sim::Fiber*);
struct Context {
  ucontext_t own;
  Main main;
  cuda_sim::Fiber* self;
};
void begin(unsigned high, unsigned low) {
  auto* c = reinterpret_cast<Context*>(static_cast<uintptr_t>(high) << 32 | low);
  c->main(c->self);
}
void* fresh(char* stack, size_t bytes, Main main, cuda_sim::Fiber* self) {
  auto* c = new Context{{}, main, self};
  getcontext(&c->own);
  c->own.uc_stack = {};
  c->own.uc_stack.ss_sp = stack;
  c->own.uc_stack.ss_size = bytes;
  const auto address = reinterpret_cast<uintptr_t>(c);
  makecontext(&c->own, reinterpret_cast<void (*)()>(begin), 2, static_cast<unsigned>(address >> 32),
              static_cast<unsigned>(address));
  return c;
}
void discard(void* context) { delete static_cast<Context*>(context); }
void switch_to(void** save, void* next) {
  if (!*save) *save = new Context{};
  swapcontext(&static_cast<Context*>(*save)->own, &static_cast<Context*>(next)->own);
}
}  // namespace
#endif

namespace cuda_sim {
namespace {
constexpr size_t kStack = 256 << 10;
size_t page() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
}  // namespace

Fiber::Fiber() {
  void* p = mmap(nullptr, kStack + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  mprotect(p, page(), PROT_NONE);  // a stack that overflows faults
  stack_ = static_cast<char*>(p) + page();
  own_ = fresh(stack_, kStack, main, this);
}

Fiber::~Fiber() {
#if defined(VQ_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(stack_, kStack);
#endif
  discard(own_);
  munmap(stack_ - page(), kStack + page());
}

void Fiber::start(Body body, void* argument) {
  body_ = body;
  argument_ = argument;
}

void Fiber::resume() {
#if defined(VQ_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(&caller_fake_stack_, stack_, kStack);
#endif
  switch_to(&caller_, own_);
#if defined(VQ_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(caller_fake_stack_, nullptr, nullptr);
#endif
}

void Fiber::enter() {
#if defined(VQ_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(own_fake_stack_, &caller_stack_, &caller_stack_bytes_);
#endif
}

void Fiber::leave() {
#if defined(VQ_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(&own_fake_stack_, caller_stack_, caller_stack_bytes_);
#endif
  switch_to(&own_, caller_);
}

void Fiber::yield() {
  leave();
  enter();
}

void Fiber::main(Fiber* self) {
  self->enter();
  while (true) {
    self->body_(self->argument_);
    self->yield();
  }
}

}  // namespace cuda_sim
