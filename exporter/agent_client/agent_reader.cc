#include "exporter/agent_client/agent_reader.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long a connection without a document is kept while others wait for one.
// So short that all of 10,000 get one within a second.
constexpr milliseconds kTurn{25};

// How long until a socket that took no connection is tried again.
constexpr milliseconds kPause{5};

// A process that executes another program closes its socket once.
constexpr int kMaxClosed = 2;

class Reading {
 public:
  Reading(Peers& peers, const VerifyPeer& verify)
      : peers_(peers),
        verify_(verify),
        max_open_(MaxConnections()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { close(epoll_); }

  void Run(steady_clock::time_point deadline) {
    const auto start = steady_clock::now();
    const auto short_deadline =
        std::min(deadline, start + kUnresponsiveTimeout);
    Begin();
    for (;;) {
      const auto now = steady_clock::now();
      const auto end = expected_ > 0 ? deadline : short_deadline;
      if (now >= end) return;
      if (ArePlacesWanted()) TakePlacesOfSilent(now);
      ConnectWaiting(end);
      if (open_ == 0 && refused_.empty()) return;
      auto time = std::chrono::ceil<milliseconds>(end - now);
      if (ArePlacesWanted()) time = std::min(time, kTurn);
      if (!refused_.empty()) time = std::min(time, kPause);
      if (!ReceiveSome(time)) return;
      if (now >= retry_) {
        retry_ = now + kPause;
        waiting_.insert(waiting_.end(), refused_.begin(), refused_.end());
        refused_.clear();
      }
    }
  }

 private:
  void Begin() {
    for (const auto& peer : peers_) {
      peer->DropEarlierResponse();
      if (!peer->is_unresponsive()) ++expected_;
      if (peer->state() == Peer::State::kOpen) {
        Watch(*peer);
      } else {
        waiting_.push_back(peer.get());
      }
    }
  }

  bool ArePlacesWanted() const {
    return !waiting_.empty() && open_ >= max_open_;
  }

  void TakePlacesOfSilent(steady_clock::time_point now) {
    for (const auto& peer : peers_) {
      if (peer->state() != Peer::State::kOpen || now < peer->opened() + kTurn) {
        continue;
      }
      peer->GiveWay();
      --open_;
      refused_.push_back(peer.get());
    }
  }

  void ConnectWaiting(steady_clock::time_point end) {
    while (!waiting_.empty() && open_ < max_open_ &&
           steady_clock::now() < end) {
      Peer& peer = *waiting_.front();
      waiting_.pop_front();
      peer.Connect(verify_);
      if (peer.state() == Peer::State::kOpen) {
        Watch(peer);
      } else {
        ContinueOrFinish(peer);
      }
    }
  }

  void Watch(Peer& peer) {
    epoll_event event = {.events = EPOLLIN, .data = {.ptr = &peer}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, peer.descriptor(), &event) == 0) {
      ++open_;
    } else {
      peer.GiveWay();
      refused_.push_back(&peer);
    }
  }

  bool ReceiveSome(milliseconds time) {
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, std::size(events),
                                 static_cast<int>(time.count()));
    for (int i = 0; i < count; ++i) {
      Peer& peer = *static_cast<Peer*>(events[i].data.ptr);
      peer.Receive();
      if (peer.state() == Peer::State::kOpen) continue;
      --open_;
      ContinueOrFinish(peer);
    }
    return count >= 0 || errno == EINTR;
  }

  // For a peer without a connection.
  void ContinueOrFinish(Peer& peer) {
    if (peer.state() == Peer::State::kClosed &&
        peer.closed_connections() < kMaxClosed) {
      peer.GiveWay();
    }
    if (peer.state() == Peer::State::kWaiting) {
      refused_.push_back(&peer);
    } else if (!peer.is_unresponsive()) {
      --expected_;
    }
  }

  Peers& peers_;
  const VerifyPeer& verify_;
  std::deque<Peer*> waiting_;
  std::deque<Peer*> refused_;
  steady_clock::time_point retry_;
  std::size_t open_ = 0;
  /// Peers that have not responded yet, without those that are unresponsive.
  std::size_t expected_ = 0;
  std::size_t max_open_;
  int epoll_;
};

}  // namespace

std::size_t MaxConnections() {
  constexpr std::size_t kMaxOpen = 1024;
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(kMaxOpen, limit.rlim_cur / 2);
}

void ReadAgents(Peers& peers, steady_clock::time_point deadline,
                const VerifyPeer& verify) {
  Reading(peers, verify).Run(deadline);
}

}  // namespace jemalloc_exporter
