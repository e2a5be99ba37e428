#include "tests/cuda_sim/stream.h"

#include <cstdio>
#include <deque>
#include <exception>
#include <mutex>
#include <vector>

#include "ops/tensor.h"

namespace cuda_sim {
namespace {

// Of everything here. Work is done under it, and may queue nothing.
std::recursive_mutex mutex;
using Lock = std::lock_guard<std::recursive_mutex>;

uint32_t pieces = 0;
Clock host;  // what the host has waited for
Counts counted;
bool graphs_fail = false;
thread_local Running doing;

// Where a stream was when an event was recorded.
struct Point {
  Stream* stream;
  Clock clock;
  bool reached = false;
};

struct Item {
  Running what;
  Action action;
  std::shared_ptr<Point> record, wait;
};

[[noreturn]] void refuse(const std::string& why) { throw vq::Error(why); }

}  // namespace

class Graph {
 public:
  std::vector<Action> nodes;
};

class Event {
 public:
  std::shared_ptr<Point> point;
};

class Stream {
 public:
  uint32_t index = 0;
  std::deque<Item> items;
  Clock clock;  // of all that is queued
  std::unique_ptr<Graph> capture;
  bool broken = false;  // the capture
  bool failed = false;  // an error in this stream's work was reported

  // The next piece, ordered after all before it and after what the host knows to be done.
  Running next() {
    clock.join(host);
    Running r{index << kNumberBits | ++pieces, clock};
    clock.done[index] = pieces;
    return r;
  }
  void do_first() {
    const Item item = std::move(items.front());
    items.pop_front();
    if (item.wait && !item.wait->reached) item.wait->stream->do_until(*item.wait);
    if (item.record) item.record->reached = true;
    if (!item.action) return;
    doing = item.what;
    counted.done++;
    try {
      item.action();
    } catch (...) {
      failed = true;
      throw;
    }
  }
  void do_until(const Point& point) {
    while (!point.reached && !items.empty()) do_first();
  }
  void do_all() {
    while (!items.empty()) do_first();
    host.join(clock);
  }
};

namespace {
std::array<Stream*, kStreams> streams{};  // but the null stream
Stream null_stream;
thread_local Stream* captured = nullptr;  // by this thread
}  // namespace

const Running& now_doing() { return doing; }
bool host_waited_for(WorkId work) {
  Lock lock(mutex);
  return host.knows(work);
}

Stream* make_stream() {
  Lock lock(mutex);
  for (uint32_t i = 1; i < kStreams; i++) {
    if (streams[i]) continue;
    streams[i] = new Stream;
    streams[i]->index = i;
    return streams[i];
  }
  refuse("the shim has no more streams");
}

void destroy(Stream* stream) {
  Lock lock(mutex);
  try {
    stream->do_all();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "a stream that is destroyed: %s\n", e.what());
    if (!stream->failed) std::terminate();
  }
  host.join(stream->clock);  // the next stream with this number starts after it
  streams[stream->index] = nullptr;
  delete stream;
}

void enqueue(Stream* stream, Action action) {
  Lock lock(mutex);
  if (!stream) {
    doing = null_stream.next();
    host.join(null_stream.clock);
    action();
  } else if (stream->capture) {
    stream->capture->nodes.push_back(std::move(action));
  } else {
    counted.queued++;
    stream->items.push_back({stream->next(), std::move(action), nullptr, nullptr});
  }
}

void not_in_capture(const char* call) {
  if (!captured) return;
  captured->broken = true;
  refuse(std::string(call) + ": operation not permitted when stream is capturing");
}

void synchronize(Stream* stream) {
  Lock lock(mutex);
  not_in_capture("cudaStreamSynchronize");
  if (stream) stream->do_all();
}

void synchronize_all() {
  Lock lock(mutex);
  for (Stream* s : streams)
    if (s) s->do_all();
}

Event* make_event() { return new Event; }
void destroy(Event* event) { delete event; }

void record(Event* event, Stream* stream) {
  Lock lock(mutex);
  if (stream->capture) not_in_capture("an event of a captured stream (here, not in CUDA)");
  event->point = std::make_shared<Point>(Point{stream, stream->clock});
  stream->items.push_back({{}, nullptr, event->point, nullptr});
}

void wait(Stream* stream, Event* event) {
  Lock lock(mutex);
  if (stream->capture) not_in_capture("a wait of a captured stream (here, not in CUDA)");
  if (!event->point) return;
  stream->clock.join(event->point->clock);
  stream->items.push_back({{}, nullptr, nullptr, event->point});
}

void wait_on_host(Event* event) {
  Lock lock(mutex);
  not_in_capture("cudaEventSynchronize");
  if (!event->point) return;
  if (!event->point->reached) event->point->stream->do_until(*event->point);
  host.join(event->point->clock);
}

void begin_capture(Stream* stream) {
  Lock lock(mutex);
  if (captured) refuse("cudaStreamBeginCapture: this thread captures already");
  stream->capture = std::make_unique<Graph>();
  stream->broken = false;
  captured = stream;
}

Graph* end_capture(Stream* stream) {
  Lock lock(mutex);
  if (!stream->capture || captured != stream) refuse("cudaStreamEndCapture: this thread does not capture it");
  std::unique_ptr<Graph> graph = std::move(stream->capture);
  captured = nullptr;
  if (stream->broken) return nullptr;
  return graph.release();
}

Graph* instantiate(Graph* graph) {
  if (graphs_fail) throw vq::NoMemory("cudaGraphInstantiate: out of memory");
  return new Graph(*graph);
}

void launch(Graph* graph, Stream* stream) {
  Lock lock(mutex);
  not_in_capture("cudaGraphLaunch (here, not in CUDA)");
  counted.replays++;
  for (const Action& node : graph->nodes) {
    counted.replayed++;
    stream->items.push_back({stream->next(), node, nullptr, nullptr});
  }
}

void destroy(Graph* graph) { delete graph; }

void fail_graphs(bool yes) { graphs_fail = yes; }

Counts counts() {
  Lock lock(mutex);
  return counted;
}

}  // namespace cuda_sim
