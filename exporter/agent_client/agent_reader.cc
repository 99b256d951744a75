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

// Connected at the same time.
constexpr std::size_t kMaxOpen = 1024;

// How long one that does not answer keeps its place while others wait for one.
// So short that all of 10,000 come to their turn within a second.
constexpr milliseconds kTurn{25};

// How long until a socket that took no connection is tried again.
constexpr milliseconds kPause{5};

std::size_t MaxOpen() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(kMaxOpen, limit.rlim_cur / 2);
}

class Reading {
 public:
  Reading(Peers& peers, const VerifyPeer& verify)
      : peers_(peers),
        verify_(verify),
        max_open_(MaxOpen()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (const auto& peer : peers_) waiting_.push_back(peer.get());
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { close(epoll_); }

  void Run(steady_clock::time_point deadline) {
    for (;;) {
      const auto now = steady_clock::now();
      if (now >= deadline) return;
      if (ArePlacesWanted()) TakePlacesOfSilent(now);
      ConnectWaiting(deadline);
      if (open_ == 0 && refused_.empty()) return;
      auto time = std::chrono::ceil<milliseconds>(deadline - now);
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

  void ConnectWaiting(steady_clock::time_point deadline) {
    while (!waiting_.empty() && open_ < max_open_ &&
           steady_clock::now() < deadline) {
      Peer& peer = *waiting_.front();
      waiting_.pop_front();
      peer.Connect(verify_);
      if (peer.state() == Peer::State::kWaiting) refused_.push_back(&peer);
      if (peer.state() == Peer::State::kOpen) Watch(peer);
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
      if (peer.state() == Peer::State::kDone) --open_;
    }
    return count >= 0 || errno == EINTR;
  }

  Peers& peers_;
  const VerifyPeer& verify_;
  std::deque<Peer*> waiting_;
  std::deque<Peer*> refused_;
  steady_clock::time_point retry_;
  std::size_t open_ = 0;
  std::size_t max_open_;
  int epoll_;
};

}  // namespace

void ReadAgents(Peers& peers, steady_clock::time_point deadline,
                const VerifyPeer& verify) {
  Reading(peers, verify).Run(deadline);
}

}  // namespace jemalloc_exporter
