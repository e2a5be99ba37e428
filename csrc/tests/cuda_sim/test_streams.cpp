// The shim's streams, events and graphs: work runs in the guaranteed order and no other, and unordered work of two
// streams is detected as a race.
#include <gtest/gtest.h>

#include "ops/cuda/cuda.h"
#include "ops/cuda/runtime.h"
#include "ops/tensor.h"

namespace vq::cuda {
namespace {

using cuda_sim::Fault;
using cuda_sim::KernelFault;

constexpr size_t kCount = 64;
constexpr size_t kBytes = kCount * sizeof(int);

__global__ void add_to(Global<int> y, Global<const int> x, int n) {
  const int v = x[threadIdx.x];
  y[threadIdx.x] = v + n;
}

class Streams : public testing::Test {
 protected:
  Streams() {
    for (int** p : {&x, &y, &z}) *p = static_cast<int*>(device_alloc(kBytes));
    for (int** p : {&in, &out}) *p = static_cast<int*>(pinned_alloc(kBytes));
    for (size_t i = 0; i < kCount; i++) in[i] = static_cast<int>(i), out[i] = -1;
  }
  ~Streams() override {
    for (int* p : {x, y, z}) device_free(p);
    for (int* p : {in, out}) pinned_free(p);
    destroy(event);
    destroy(first);
    destroy(second);
  }
  void kernel(Stream s, int* to, const int* from, int n) { launch(Launch{1, kCount, s}, add_to, to, from, n); }
  // Whether what was queued on both streams has a race; all of it is done then.
  bool races() {
    bool found = false;
    for (int again = 0; again < 4; again++)
      for (Stream s : {second, first}) try {
          synchronize(s);
        } catch (const KernelFault& e) {
          for (const Fault& f : e.faults) found |= f.kind == Fault::race;
        }
    return found;
  }
  void join() {
    record(event, first);
    wait(second, event);
  }

  Stream first = make_stream(), second = make_stream();
  EventHandle event = make_event();
  int *x = nullptr, *y = nullptr, *z = nullptr;  // of the device
  int *in = nullptr, *out = nullptr;             // page-locked
};

TEST_F(Streams, ResultsArriveWhenTheHostWaits) {
  copy_to_device(x, in, kBytes, first);
  kernel(first, y, x, 100);
  copy_to_host(out, y, kBytes, first);
  EXPECT_EQ(out[3], -1);
  synchronize(first);
  EXPECT_EQ(out[3], 103);
}

TEST_F(Streams, CopiesReadTheSourceWhenTheyRun) {
  copy_to_device(x, in, kBytes, first);
  in[3] = 77;
  copy_to_host(out, x, kBytes, first);
  synchronize(first);
  EXPECT_EQ(out[3], 77);
}

TEST_F(Streams, EventIsReachedAfterEarlierWorkOnly) {
  copy_to_device(x, in, kBytes, first);
  copy_to_host(out, x, kBytes, first);
  record(event, first);
  in[3] = 5;
  copy_to_device(x, in, kBytes, first);
  copy_to_host(out, x, kBytes, first);
  in[3] = 3;
  wait_on_host(event);
  EXPECT_EQ(out[3], 3);
  in[3] = 6;
  synchronize(first);
  EXPECT_EQ(out[3], 6);
}

TEST_F(Streams, WaitOrdersStreams) {
  copy_to_device(x, in, kBytes, first);
  join();
  kernel(second, y, x, 10);
  copy_to_host(out, y, kBytes, second);
  synchronize(second);
  EXPECT_EQ(out[3], 13);
  EXPECT_FALSE(races());
}

TEST_F(Streams, StreamsWithoutAnEventRace) {
  copy_to_device(x, in, kBytes, first);
  synchronize(first);
  const auto race_of = [&](auto a, auto b) {
    for (bool ordered : {true, false}) {
      a(first);
      if (ordered) join();
      b(second);
      EXPECT_EQ(races(), !ordered);
      // Orders all of it before the next case.
      synchronize(first);
      synchronize(second);
    }
  };
  const auto writes = [&](Stream s) { kernel(s, y, x, 1); };
  const auto reads = [&](Stream s) { kernel(s, z, y, 1); };
  const auto writes_whole = [&](Stream s) { copy_to_device(y, in, kBytes, s); };
  const auto reads_whole = [&](Stream s) { copy_to_host(out, y, kBytes, s); };
  const auto clears = [&](Stream s) { fill_zero(y, kBytes, kBytes, 1, s); };
  race_of(writes, reads);
  race_of(reads, writes);
  race_of(writes, writes);
  race_of(writes_whole, reads);
  race_of(writes, reads_whole);
  race_of(reads, writes_whole);
  race_of(reads_whole, writes);
  race_of(writes_whole, reads_whole);
  race_of(clears, reads);
}

// A reader of one stream does not hide that of another.
TEST_F(Streams, WriterMustWaitForAllReaders) {
  copy_to_device(x, in, kBytes, first);
  synchronize(first);
  kernel(first, y, x, 1);
  kernel(second, z, x, 1);
  EXPECT_FALSE(races());
  kernel(first, y, x, 1);
  kernel(second, z, x, 1);
  kernel(second, x, z, 1);
  EXPECT_TRUE(races());
}

TEST_F(Streams, HostWaitOrdersStreams) {
  copy_to_device(x, in, kBytes, first);
  record(event, first);
  wait_on_host(event);
  kernel(second, y, x, 1);
  EXPECT_FALSE(races());
}

TEST_F(Streams, AsyncCopiesNeedPageLockedMemory) {
  std::vector<int> pageable(kCount);
  EXPECT_THROW(copy_to_device(x, pageable.data(), kBytes, first), Error);
  EXPECT_THROW(copy_to_host(pageable.data(), x, kBytes, first), Error);
}

TEST_F(Streams, GraphReplaysCapturedArguments) {
  int n = 100;
  const int* from = x;
  begin_capture(first);
  copy_to_device(x, in, kBytes, first);
  kernel(first, y, from, n);
  copy_to_host(out, y, kBytes, first);
  const GraphHandle graph = end_capture(first);
  n = 200;
  from = z;
  synchronize(first);
  EXPECT_EQ(out[3], -1) << "it was done, not recorded";
  const cuda_sim::Counts before = cuda_sim::counts();
  replay(graph, first);
  synchronize(first);
  EXPECT_EQ(out[3], 103);
  in[3] = 7;
  replay(graph, first);
  synchronize(first);
  EXPECT_EQ(out[3], 107);
  const cuda_sim::Counts after = cuda_sim::counts();
  EXPECT_EQ(after.queued, before.queued);
  EXPECT_EQ(after.replays, before.replays + 2);
  EXPECT_EQ(after.replayed, before.replayed + 6);
  // Memory that it was recorded with and that is gone is missed.
  device_free(y);
  y = static_cast<int*>(device_alloc(kBytes));
  replay(graph, first);
  EXPECT_THROW(synchronize(first), KernelFault);
  EXPECT_THROW(synchronize(first), KernelFault);
  synchronize(first);
  destroy(graph);
}

TEST_F(Streams, GraphsRaceLikeTheirWork) {
  copy_to_device(x, in, kBytes, first);
  synchronize(first);
  begin_capture(first);
  kernel(first, y, x, 1);
  const GraphHandle graph = end_capture(first);
  replay(graph, first);
  kernel(second, z, y, 1);
  EXPECT_TRUE(races());
  replay(graph, first);
  join();
  kernel(second, z, y, 1);
  EXPECT_FALSE(races());
  destroy(graph);
}

TEST_F(Streams, CaptureForbidsAllocationAndWaiting) {
  const auto broken_by = [&](auto call) {
    begin_capture(first);
    kernel(first, y, x, 1);
    EXPECT_THROW(call(), Error);
    EXPECT_THROW(end_capture(first), Error);
    copy_to_device(x, in, kBytes, first);
    synchronize(first);  // and the stream goes on
  };
  broken_by([] { device_alloc(16); });
  broken_by([] { pinned_alloc(16); });
  broken_by([&] { synchronize(first); });
  broken_by([&] { wait_on_host(event); });
  std::vector<int> pageable(kCount);
  begin_capture(first);
  EXPECT_THROW(copy_to_device(x, pageable.data(), kBytes, first), Error);
  EXPECT_THROW(end_capture(first), Error);
}

// CUDA keeps the error of a failed call, and a launch reports the last one: it must be cleared when it is thrown.
TEST_F(Streams, FailedCallLeavesNoErrorToTheNextLaunch) {
  copy_to_device(x, in, kBytes, first);
  const auto fails = [&](auto call) {
    EXPECT_THROW(call(), Error);
    EXPECT_NO_THROW(kernel(first, y, x, 1));
    synchronize(first);
  };
  std::vector<int> pageable(kCount);
  fails([&] { copy_to_device(x, pageable.data(), kBytes, first); });
  fails([] { device_alloc(size_t{1} << 50); });
  cuda_sim::fail_captures(true);
  fails([&] { begin_capture(first); });
  cuda_sim::fail_captures(false);
  fails([&] {
    begin_capture(first);
    try {
      synchronize(first);
    } catch (const Error&) {
    }
    end_capture(first);
  });
  cuda_sim::fail_graphs(true);
  fails([&] {
    begin_capture(first);
    end_capture(first);
  });
  cuda_sim::fail_graphs(false);
}

// The planner reacts to missing memory only.
TEST_F(Streams, RefusedPageLockingIsMissingMemory) {
  cuda_sim::fail_pinned(true);
  EXPECT_THROW(pinned_alloc(16), NoMemory);
  cuda_sim::fail_pinned(false);
  copy_to_device(x, in, kBytes, first);
  EXPECT_NO_THROW(kernel(first, y, x, 1));
}

// A launch without this check would not be told of its own failure.
TEST_F(Streams, LaunchReportsTheLastError) {
  void* p = nullptr;
  cudaMalloc(&p, size_t{1} << 50);
  EXPECT_THROW(kernel(first, y, x, 1), Error);
  synchronize(first);
}

TEST_F(Streams, GraphReportsMissingMemory) {
  begin_capture(first);
  kernel(first, y, x, 1);
  cuda_sim::fail_graphs(true);
  EXPECT_THROW(end_capture(first), NoMemory);
  cuda_sim::fail_graphs(false);
  copy_to_device(x, in, kBytes, first);
  kernel(first, y, x, 1);
  synchronize(first);
}

}  // namespace
}  // namespace vq::cuda
