#include "exporter/agent_client/agent_reader.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <tuple>

#include "exporter/agent_client/peer.h"
#include "exporter/agent_client/pid_namespaces.h"
#include "exporter/agent_client/socket_list.h"

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
  explicit Reading(const std::vector<AgentName>& names)
      : peers_(names.begin(), names.end()),
        max_open_(MaxOpen()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (Peer& peer : peers_) waiting_.push_back(&peer);
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

  std::vector<Process> Processes() const {
    std::vector<Process> processes;
    for (const Peer& peer : peers_) {
      if (auto process = peer.ToProcess()) processes.push_back(*process);
    }
    return processes;
  }

 private:
  bool ArePlacesWanted() const {
    return !waiting_.empty() && open_ >= max_open_;
  }

  void TakePlacesOfSilent(steady_clock::time_point now) {
    for (Peer& peer : peers_) {
      if (peer.state() != Peer::State::kOpen || now < peer.opened() + kTurn) {
        continue;
      }
      peer.GiveWay();
      --open_;
      refused_.push_back(&peer);
    }
  }

  void ConnectWaiting(steady_clock::time_point deadline) {
    while (!waiting_.empty() && open_ < max_open_ &&
           steady_clock::now() < deadline) {
      Peer& peer = *waiting_.front();
      waiting_.pop_front();
      peer.Connect(namespaces_);
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

  std::deque<Peer> peers_;
  std::deque<Peer*> waiting_;
  std::deque<Peer*> refused_;
  steady_clock::time_point retry_;
  std::size_t open_ = 0;
  std::size_t max_open_;
  PidNamespaces namespaces_;
  int epoll_;
};

// The kernel's word on a process, where there is one, before a name's.
void OrderByPid(std::vector<Process>& processes) {
  std::stable_sort(
      processes.begin(), processes.end(),
      [](const Process& a, const Process& b) {
        return std::tuple(a.pid, a.comm, !a.start_time_seconds, a.status) <
               std::tuple(b.pid, b.comm, !b.start_time_seconds, b.status);
      });
  const auto end = std::unique(processes.begin(), processes.end(),
                               [](const Process& a, const Process& b) {
                                 return a.pid == b.pid && a.comm == b.comm;
                               });
  processes.erase(end, processes.end());
}

void DropClaimedBeyondLimit(std::vector<Process>& processes) {
  std::size_t claimed = 0;
  std::erase_if(processes, [&](const Process& process) {
    return process.pid_is_claimed && ++claimed > kMaxClaimed;
  });
}

}  // namespace

std::vector<Process> ReadAgents(
    steady_clock::time_point deadline,
    const std::function<bool(pid_t)>& is_asked) noexcept try {
  std::vector<AgentName> names = ListAgents();
  if (is_asked) {
    std::erase_if(names,
                  [&](const AgentName& name) { return !is_asked(name.pid); });
  }
  Reading reading(names);
  reading.Run(deadline);
  std::vector<Process> processes = reading.Processes();
  OrderByPid(processes);
  DropClaimedBeyondLimit(processes);
  return processes;
} catch (const std::exception&) {
  return {};
}

}  // namespace jemalloc_exporter
