#include "tests/cuda_sim/nccl_stand_in.h"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "ops/cuda/nccl_library.h"

using vq::cuda::NcclId;
using vq::cuda::NcclResult;
using vq::cuda::NcclType;
using vq::cuda::Stream;

namespace {

constexpr NcclResult kInvalidArgument{4}, kRemoteError{6};

// The ranks with one id.
struct Ranks {
  std::mutex mutex;
  std::condition_variable changed;
  int joined = 0;
  bool aborted = false;
  std::map<std::pair<int, int>, std::deque<std::vector<char>>> under_way;  // by sender and receiver
};

struct Operation {
  bool sends;
  void* data;
  size_t bytes;
  int peer;
  ncclComm* comm;
  Stream stream;
};

std::mutex mutex;
std::map<int, Ranks> all;
int ids = 0;
thread_local std::vector<Operation> group;
std::atomic<void (*)(Stream)> synchronize;
thread_local NcclStandIn settings{22805, 0, 0};

}  // namespace

struct ncclComm {
  Ranks* ranks;
  int rank;
};

namespace {

NcclResult send(const Operation& o) {
  Ranks& ranks = *o.comm->ranks;
  std::lock_guard lock(ranks.mutex);
  const char* data = static_cast<const char*>(o.data);
  ranks.under_way[{o.comm->rank, o.peer}].emplace_back(data, data + o.bytes);
  ranks.changed.notify_all();
  return NcclResult::success;
}

NcclResult receive(const Operation& o) {
  Ranks& ranks = *o.comm->ranks;
  std::unique_lock lock(ranks.mutex);
  auto& box = ranks.under_way[{o.peer, o.comm->rank}];
  ranks.changed.wait(lock, [&] { return !box.empty() || ranks.aborted; });
  if (box.empty()) return kRemoteError;
  if (box.front().size() != o.bytes) return kInvalidArgument;
  std::memcpy(o.data, box.front().data(), o.bytes);
  box.pop_front();
  return NcclResult::success;
}

}  // namespace

extern "C" {

NcclStandIn* vq_nccl_stand_in(void (*how)(Stream)) {
  synchronize = how;
  return &settings;
}

NcclResult ncclGetVersion(int* version) {
  *version = settings.version;
  return NcclResult::success;
}

NcclResult ncclGetUniqueId(NcclId* id) {
  std::lock_guard lock(mutex);
  const int number = ++ids;
  std::memcpy(id->bytes + sizeof(id->bytes) - sizeof(number), &number, sizeof(number));
  return NcclResult::success;
}

NcclResult ncclCommInitRank(ncclComm** comm, int world, NcclId id, int rank) {
  int number;
  std::memcpy(&number, id.bytes + sizeof(id.bytes) - sizeof(number), sizeof(number));
  Ranks* ranks;
  {
    std::lock_guard lock(mutex);
    ranks = &all[number];
  }
  std::unique_lock lock(ranks->mutex);
  ranks->joined++;
  ranks->changed.notify_all();
  ranks->changed.wait(lock, [&] { return ranks->joined == world; });
  *comm = new ncclComm{ranks, rank};
  return NcclResult::success;
}

NcclResult ncclCommDestroy(ncclComm* comm) {
  delete comm;
  return NcclResult::success;
}

NcclResult ncclCommAbort(ncclComm* comm) {
  {
    std::lock_guard lock(comm->ranks->mutex);
    comm->ranks->aborted = true;
    comm->ranks->changed.notify_all();
  }
  delete comm;
  settings.aborted++;
  return NcclResult::success;
}

NcclResult ncclCommGetAsyncError(ncclComm*, NcclResult* error) {
  *error = NcclResult{settings.async_error};
  return NcclResult::success;
}

const char* ncclGetErrorString(NcclResult result) {
  return result == kRemoteError ? "remote process exited or there was a network error" : "invalid argument";
}

NcclResult ncclGroupStart() { return NcclResult::success; }

// Work of the simulator's streams is done when the host waits: the group is done at once.
NcclResult ncclGroupEnd() {
  NcclResult worst = NcclResult::success;
  const std::vector<Operation> operations = std::move(group);
  group.clear();
  for (const Operation& o : operations) {
    synchronize.load()(o.stream);
    if (o.sends) worst = send(o);
  }
  for (const Operation& o : operations) {
    if (!o.sends && worst == NcclResult::success) worst = receive(o);
  }
  return worst;
}

NcclResult ncclSend(const void* data, size_t count, NcclType type, int peer, ncclComm* comm, Stream stream) {
  if (type != NcclType::bytes) return kInvalidArgument;
  group.push_back({true, const_cast<void*>(data), count, peer, comm, stream});
  return NcclResult::success;
}

NcclResult ncclRecv(void* data, size_t count, NcclType type, int peer, ncclComm* comm, Stream stream) {
  if (type != NcclType::bytes) return kInvalidArgument;
  group.push_back({false, data, count, peer, comm, stream});
  return NcclResult::success;
}

}  // extern "C"
