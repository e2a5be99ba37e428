#include "ops/mpi_comm.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace vq {

namespace {

constexpr int kDataTag = 1, kSignTag = 2;
constexpr auto kBetweenSigns = std::chrono::milliseconds(250);
// Between calls of MPI while an exchange is under way: see exchange().
constexpr int64_t kCallsAtOnce = 32;
constexpr auto kPause = std::chrono::microseconds(200);
constexpr auto kPatientCalls = std::chrono::milliseconds(2);
constexpr double kSlowest = 0.2;  // GB/s
// MPI counts in ints.
constexpr size_t kLargestPiece = size_t{1} << 28;
// What a process has sent before it left arrives within this time after the news that it left.
constexpr auto kUnderWay = std::chrono::seconds(5);
// For how many seconds a process that leaves waits for one that is silent or has left, or, if it failed, for any.
constexpr double kFarewell = 10;

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.0f s", seconds);
  return text;
}

}  // namespace

MpiComm::MpiComm(std::unique_ptr<MpiLibrary> library, double patience) : mpi_(std::move(library)), patience_(patience) {
  mpi_->init();
  rank_ = mpi_->rank();
  world_ = mpi_->world();
  peers_.resize(static_cast<size_t>(world_));
  for (Peer& peer : peers_) peer.heard = Clock::now();
  signs_ = std::thread([this] { give_signs(); });
}

MpiComm::~MpiComm() {
  bool whole = false;
  {
    std::unique_lock lock(mutex_);
    if (own_.state == State::alive) own_.state = State::left;
    for (Peer& peer : peers_) peer.told = false;
    const auto begun = Clock::now();
    while (!(whole = all_left()) && worth_waiting(begun)) {
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      lock.lock();
      exchange_signs();
    }
    stop_ = true;
  }
  changed_.notify_all();
  signs_.join();
  try {
    // Without a rank that is dead or hangs, MPI cannot end in order: it ends all.
    whole ? mpi_->finalize() : mpi_->abort(1);
  } catch (const std::exception&) {
  }
}

// MPI moves large messages piece by piece, in calls: it is called without pauses for as long as the bytes should take.
// A rank that is still busy is waited for with pauses.
void MpiComm::exchange(std::span<const Transfer> sends, std::span<const Transfer> receives) {
  std::vector<Piece> pieces;
  const auto begun = Clock::now();
  post(pieces, receives, true);
  post(pieces, sends, false);
  size_t bytes = 0;
  for (const auto& transfers : {sends, receives}) {
    for (const Transfer& t : transfers) bytes += t.bytes;
  }
  const auto expected =
      begun + kPatientCalls + std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(bytes) / kSlowest));
  for (int64_t call = 1; !test(pieces, begun); call++) {
    if (call % kCallsAtOnce != 0) {
      std::this_thread::yield();
      continue;
    }
    require_life(pieces);
    if (Clock::now() > expected) std::this_thread::sleep_for(kPause);
  }
}

void MpiComm::post(std::vector<Piece>& pieces, std::span<const Transfer> transfers, bool receives) {
  std::lock_guard lock(mutex_);
  for (const Transfer& t : transfers) {
    for (size_t at = 0; at < t.bytes; at += kLargestPiece) {
      const int bytes = static_cast<int>(std::min(kLargestPiece, t.bytes - at));
      Piece piece{{}, t.peer, receives, false};
      char* data = static_cast<char*>(t.data) + at;
      if (receives) {
        mpi_->receive(piece.request, data, bytes, t.peer, kDataTag);
      } else {
        mpi_->send(piece.request, data, bytes, t.peer, kDataTag);
      }
      pieces.push_back(piece);
    }
  }
}

// Whether all pieces have arrived.
bool MpiComm::test(std::vector<Piece>& pieces, Clock::time_point begun) {
  std::lock_guard lock(mutex_);
  bool all = true;
  for (Piece& piece : pieces) {
    if (piece.done) continue;
    piece.done = mpi_->done(piece.request);
    all = all && piece.done;
    if (piece.done && piece.receives) {
      peers_[piece.peer].waited += std::chrono::duration<double>(Clock::now() - begun).count();
    }
  }
  return all;
}

void MpiComm::require_life(const std::vector<Piece>& pieces) {
  std::lock_guard lock(mutex_);
  for (const Piece& piece : pieces) {
    if (piece.done) continue;
    const Peer& peer = peers_[piece.peer];
    const std::string name = "rank " + std::to_string(piece.peer);
    if (peer.state == State::failed) throw PeerError(name + " failed: " + peer.incoming.why);
    const auto since = Clock::now() - peer.heard;
    if (peer.state == State::left && since > kUnderWay) throw PeerError(name + " ended before the run did");
    const double silent = std::chrono::duration<double>(since).count();
    if (silent > patience_) {
      throw PeerError(name + " has not answered for " + seconds_text(silent) + ": it died or hangs");
    }
  }
}

void MpiComm::fail(const char* why) noexcept {
  std::lock_guard lock(mutex_);
  if (own_.state == State::failed) return;
  own_.state = State::failed;
  std::snprintf(own_.why, sizeof(own_.why), "%s", why);
  for (Peer& peer : peers_) peer.told = false;
  changed_.notify_all();
}

double MpiComm::waited(int rank) const {
  std::lock_guard lock(mutex_);
  return peers_.at(static_cast<size_t>(rank)).waited;
}

// Until stop_ is set.
void MpiComm::give_signs() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    exchange_signs();
    changed_.wait_for(lock, kBetweenSigns);
  }
}

// mutex_ is locked, here and below.
void MpiComm::exchange_signs() noexcept {
  for (int r = 0; r < world_; r++) {
    if (r == rank_) continue;
    Peer& peer = peers_[r];
    try {
      listen(r, peer);
      tell(r, peer);
    } catch (const std::exception& e) {
      peer.state = State::failed;
      std::snprintf(peer.incoming.why, sizeof(peer.incoming.why), "%s", e.what());
    }
  }
}

// Takes what a rank has sent.
void MpiComm::listen(int rank, Peer& peer) {
  while (peer.state == State::alive) {
    if (!peer.receiving) {
      mpi_->receive(peer.receive, &peer.incoming, sizeof(Sign), rank, kSignTag);
      peer.receiving = true;
    }
    if (!mpi_->done(peer.receive)) return;
    peer.receiving = false;
    peer.heard = Clock::now();
    peer.state = peer.incoming.state;
  }
}

// Sends a sign, unless the last one is still under way or was the last of all.
void MpiComm::tell(int rank, Peer& peer) {
  if (peer.sending && !mpi_->done(peer.send)) return;
  peer.sending = false;
  if (peer.told) return;
  peer.outgoing = own_;
  mpi_->send(peer.send, &peer.outgoing, sizeof(Sign), rank, kSignTag);
  peer.sending = true;
  peer.told = own_.state != State::alive;
}

// Whether all that a process which leaves waits for may still come: ranks that are at work, however long that takes,
// and signs that are under way.
bool MpiComm::worth_waiting(Clock::time_point begun) {
  const auto longest = std::chrono::duration<double>(std::min(kFarewell, patience_));
  for (int r = 0; r < world_; r++) {
    const Peer& peer = peers_[r];
    if (r == rank_ || (peer.state != State::alive && !peer.sending && peer.told)) continue;
    const bool works = own_.state == State::left && peer.state == State::alive;
    if (Clock::now() - (works ? std::max(begun, peer.heard) : begun) > longest) return false;
  }
  return true;
}

// Whether nothing is under way any more between this process and the others.
bool MpiComm::all_left() {
  for (int r = 0; r < world_; r++) {
    const Peer& peer = peers_[r];
    if (r != rank_ && (peer.state == State::alive || peer.sending || !peer.told)) return false;
  }
  return true;
}

}  // namespace vq
