// Nccl against a library with the same symbols, in the simulator. Ranks are threads.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "ops/cuda/nccl.h"
#include "tests/cuda_sim/cuda_sim.h"
#include "tests/cuda_sim/nccl_stand_in.h"
#include "tests/thread_comm.h"

namespace vq::cuda {
namespace {

using test::Mail;
using test::ThreadComm;

NcclStandIn& stand_in() {
  void* library = dlopen(VQ_NCCL_STAND_IN, RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Error(dlerror());
  return *reinterpret_cast<decltype(&vq_nccl_stand_in)>(dlsym(library, "vq_nccl_stand_in"))(synchronize);
}

// For tests of the device, which load the library by themselves.
const NcclStandIn& kLoaded = stand_in();

// Runs a function as each rank, in a thread of its own.
void each_rank(int world, const std::function<void(Comm&, NcclStandIn&)>& run) {
  Mail mail;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world; rank++) {
    threads.emplace_back([&, rank] {
      use_gpu(0);
      ThreadComm comm(mail, rank, world);
      run(comm, stand_in());
    });
  }
  for (std::thread& t : threads) t.join();
}

// GPU memory of one rank, [world, n], and a stream.
struct Memory {
  explicit Memory(int64_t floats)
      : n(static_cast<size_t>(floats)),
        host(static_cast<float*>(pinned_alloc(n * sizeof(float)))),
        device(static_cast<float*>(device_alloc(n * sizeof(float)))),
        stream(make_stream()) {}
  ~Memory() {
    destroy(stream);
    device_free(device);
    pinned_free(host);
  }
  void upload() { copy_to_device(device, host, n * sizeof(float), stream); }
  void download() {
    copy_to_host(host, device, n * sizeof(float), stream);
    synchronize(stream);
  }
  size_t n;
  float* host;
  float* device;
  Stream stream;
};

TEST(Nccl, ExchangesAfterQueuedWork) {
  constexpr int kWorld = 3, kFloats = 5;
  each_rank(kWorld, [&](Comm& comm, NcclStandIn&) {
    Nccl nccl(comm);
    Memory m(kWorld * kFloats);
    for (int round = 0; round < 2; round++) {
      for (size_t i = 0; i < m.n; i++) m.host[i] = static_cast<float>(1000 * round + 100 * comm.rank());
      m.upload();  // only queued
      std::vector<Transfer> sends, receives;
      for (int r = 0; r < kWorld; r++) {
        if (r == comm.rank()) continue;
        sends.push_back({r, m.device + comm.rank() * kFloats, kFloats * sizeof(float)});
        receives.push_back({r, m.device + r * kFloats, kFloats * sizeof(float)});
      }
      nccl.exchange(sends, receives, m.stream);
      m.download();
      for (int r = 0; r < kWorld; r++) {
        EXPECT_EQ(m.host[r * kFloats], 1000.0f * round + 100.0f * r);
        EXPECT_EQ(m.host[r * kFloats + kFloats - 1], 1000.0f * round + 100.0f * r);
      }
    }
  });
}

TEST(Nccl, RefusesOtherVersionsOnAllRanks) {
  each_rank(2, [](Comm& comm, NcclStandIn& library) {
    library.version = comm.rank() == 0 ? 22805 : 21903;
    try {
      Nccl nccl(comm);
      ADD_FAILURE() << "rank " << comm.rank();
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()), "rank 1 has NCCL 21903, rank 0 has 22805: install the same on all machines");
    }
  });
}

// Both ranks have queued the exchange, and it does not end: one is told of it by NCCL, the other waits in vain.
TEST(Nccl, GivesUpAndSaysWhy) {
  each_rank(2, [](Comm& comm, NcclStandIn& library) {
    Nccl nccl(comm, 0.05);
    Memory m(2);
    const int other = 1 - comm.rank();
    const Transfer send{other, m.device + comm.rank(), sizeof(float)}, receive{other, m.device + other, sizeof(float)};
    cuda_sim::hang(true);
    if (comm.rank() == 0) library.async_error = 6;
    for (const char* why : {comm.rank() == 0 ? "NCCL: remote process exited or there was a network error"
                                             : "NCCL: an exchange did not end in 0 seconds",
                            "NCCL has given up before"}) {
      try {
        nccl.exchange({&send, 1}, {&receive, 1}, m.stream);
        ADD_FAILURE() << why;
      } catch (const PeerError& e) {
        EXPECT_EQ(std::string(e.what()), why);
      }
    }
    EXPECT_EQ(library.aborted, 1);
  });
  cuda_sim::hang(false);
}

}  // namespace
}  // namespace vq::cuda
