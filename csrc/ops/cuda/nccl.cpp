#include "ops/cuda/nccl.h"

#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "ops/cuda/nccl_library.h"

namespace vq::cuda {
namespace {

// What a rank says of its NCCL when the ranks meet.
struct Hello {
  int version = 0;  // 0: it has none, and why
  char why[252] = {};
};

Hello introduce() {
  Hello own;
  try {
    const NcclLibrary& nccl = NcclLibrary::load();
    nccl.check(nccl.get_version(&own.version), "no version");
  } catch (const Error& e) {
    own.version = 0;
    std::strncpy(own.why, e.what(), sizeof(own.why) - 1);
  }
  return own;
}

}  // namespace

Nccl::Nccl(Comm& comm, double patience) : patience_(patience), done_(make_event()) {
  try {
    meet(comm);
    start(comm);
  } catch (...) {
    vq::cuda::destroy(done_);
    throw;
  }
}

Nccl::~Nccl() {
  if (comm_) NcclLibrary::load().comm_destroy(comm_);
  destroy(done_);
}

// Throws on all ranks if they cannot use NCCL together.
void Nccl::meet(Comm& comm) {
  const std::vector<Hello> all = all_gather(comm, introduce());
  for (size_t r = 0; r < all.size(); r++) {
    const std::string name = "rank " + std::to_string(r);
    if (all[r].version == 0) throw Error(name + ": " + all[r].why);
    if (all[r].version != all[0].version) {
      throw Error(name + " has NCCL " + std::to_string(all[r].version) + ", rank 0 has " +
                  std::to_string(all[0].version) + ": install the same on all machines");
    }
  }
}

void Nccl::start(Comm& comm) {
  const NcclLibrary& nccl = NcclLibrary::load();
  NcclId id{};
  if (comm.rank() == 0) nccl.check(nccl.get_unique_id(&id), "no id");
  broadcast(comm, &id, sizeof(id));
  nccl.check(nccl.comm_init_rank(&comm_, comm.world(), id, comm.rank()), "the GPUs cannot be connected");
}

void Nccl::exchange(std::span<const Transfer> sends, std::span<const Transfer> receives, Stream stream) {
  if (!comm_) throw PeerError("NCCL has given up before");
  queue(sends, receives, stream);
  record(done_, stream);
  wait_until_done();
}

void Nccl::queue(std::span<const Transfer> sends, std::span<const Transfer> receives, Stream stream) {
  const NcclLibrary& nccl = NcclLibrary::load();
  NcclResult worst = nccl.group_start();
  const auto note = [&](NcclResult result) {
    if (worst == NcclResult::success) worst = result;
  };
  for (const Transfer& t : sends) note(nccl.send(t.data, t.bytes, NcclType::bytes, t.peer, comm_, stream));
  for (const Transfer& t : receives) note(nccl.receive(t.data, t.bytes, NcclType::bytes, t.peer, comm_, stream));
  note(nccl.group_end());
  if (worst != NcclResult::success) give_up(nccl.get_error_string(worst));
}

void Nccl::wait_until_done() {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::microseconds kPause{50};
  const NcclLibrary& nccl = NcclLibrary::load();
  const auto begin = Clock::now();
  while (!is_done(done_)) {
    NcclResult error = NcclResult::success;
    nccl.comm_get_async_error(comm_, &error);
    if (error != NcclResult::success && error != NcclResult::in_progress) give_up(nccl.get_error_string(error));
    const std::chrono::duration<double> waited = Clock::now() - begin;
    if (waited.count() > patience_) {
      give_up("an exchange did not end in " + std::to_string(static_cast<int>(patience_)) + " seconds");
    }
    std::this_thread::sleep_for(kPause);
  }
}

void Nccl::give_up(const std::string& why) {
  NcclLibrary::load().comm_abort(comm_);
  comm_ = nullptr;
  throw PeerError("NCCL: " + why);
}

}  // namespace vq::cuda
