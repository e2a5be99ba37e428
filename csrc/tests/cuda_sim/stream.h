// Streams, events and graphs on the CPU. For tests.
//
// Work runs at the last moment that the manual allows: when the host waits for it, or when work of another stream that
// waits for it runs. Code that reads a result, or overwrites an operand, too early therefore gets what a GPU might
// produce. The null stream runs its work at once, and the host waits for it.
//
// A clock records which work is known to be complete before a piece of work; two pieces on different streams that
// access the same memory, one of them writing, must be ordered by an event or by the host (memory.h).
//
// While a stream is captured, its work does not run but becomes a graph, with the arguments of the time of capture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace cuda_sim {

constexpr uint32_t kStreams = 16;  // at a time; 0 is the null stream

// A piece of work: its stream in the upper 4 bits, and the number of pieces before it. 0: none.
using WorkId = uint32_t;
constexpr int kNumberBits = 28;
constexpr uint32_t stream_of(WorkId id) { return id >> kNumberBits; }
constexpr uint32_t number_of(WorkId id) { return id & ((1u << kNumberBits) - 1); }

// Of each stream, the number of the last piece that is done before.
struct Clock {
  std::array<uint32_t, kStreams> done{};
  bool knows(WorkId id) const { return number_of(id) <= done[stream_of(id)]; }
  void join(const Clock& other) {
    for (uint32_t i = 0; i < kStreams; i++) done[i] = done[i] < other.done[i] ? other.done[i] : done[i];
  }
};

// What is being done on this thread.
struct Running {
  WorkId id = 0;
  Clock before;
  bool after(WorkId other) const { return stream_of(other) == stream_of(id) || before.knows(other); }
};
const Running& now_doing();
bool host_waited_for(WorkId work);

class Stream;
class Event;
class Graph;
using Action = std::function<void()>;

Stream* make_stream();
void destroy(Stream* stream);  // after its queued work has run
// Queues work; null: runs it. Exceptions of an action are thrown by the call that waits for it.
void enqueue(Stream* stream, Action action);
void synchronize(Stream* stream);
void synchronize_all();  // as cudaFree does

Event* make_event();
void destroy(Event* event);
void record(Event* event, Stream* stream);
void wait(Stream* stream, Event* event);  // for what was recorded last
void wait_on_host(Event* event);

void begin_capture(Stream* stream);
// Null when the capture was broken by what a capture does not allow; that call has thrown.
Graph* end_capture(Stream* stream);
Graph* instantiate(Graph* graph);  // a copy that can be launched
void launch(Graph* graph, Stream* stream);
void destroy(Graph* graph);
// Throws, and breaks the capture, when this thread captures.
void not_in_capture(const char* call);

// Simulates a failed GPU, as after a kernel with an invalid write, which reports the failure whenever the host waits;
// or a new GPU.
void fail_card(bool failed);
// Makes graph instantiation or page-locking run out of memory, or captures be refused.
void fail_graphs(bool yes);
void fail_pinned(bool yes);
void fail_captures(bool yes);
void hang(bool yes);  // queued work does not end: cudaEventQuery

// Of this process so far.
struct Counts {
  uint64_t queued = 0;    // pieces of work, each by a call of the host
  uint64_t done = 0;      // pieces of work, on any stream but the null stream
  uint64_t replays = 0;   // launches of graphs
  uint64_t replayed = 0;  // pieces of work in them
};
Counts counts();

}  // namespace cuda_sim
