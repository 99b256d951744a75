#include "exporter/agent_client/poll_loop.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// After which a connection without a document is preempted while others are
// queued. Short enough to connect to 10,000 sockets within 1 s.
constexpr milliseconds kTimeSlice{25};

// Until a failed or preempted connection is retried.
constexpr milliseconds kRetryDelay{5};

// Connections that are made at once.
constexpr std::size_t kBatch = 128;
static_assert(kBatch <= kMaxConnectRequests);

// execve(2) closes the socket once; the new program has another one.
constexpr int kMaxClosedConnections = 2;

class PollLoop {
 public:
  PollLoop(AgentConnections& connections, const VerifyPeer& verify,
           Connector* connector)
      : connections_(connections),
        verify_(verify),
        connector_(connector),
        max_connected_(MaxConnections()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  PollLoop(const PollLoop&) = delete;
  PollLoop& operator=(const PollLoop&) = delete;
  ~PollLoop() { close(epoll_); }

  void Run(steady_clock::time_point deadline) {
    const auto start = steady_clock::now();
    const auto short_deadline =
        std::min(deadline, start + kUnresponsiveTimeout);
    Start();
    for (;;) {
      const auto now = steady_clock::now();
      const auto end = pending_ > 0 ? deadline : short_deadline;
      if (now >= end) return;
      if (IsSaturated()) PreemptSlowConnections(now);
      ConnectQueued(end);
      if (connected_ == 0 && retry_queue_.empty()) return;
      auto time = std::chrono::ceil<milliseconds>(end - now);
      if (IsSaturated()) time = std::min(time, kTimeSlice);
      if (!retry_queue_.empty()) time = std::min(time, kRetryDelay);
      if (!ReceiveReady(time)) return;
      if (now >= next_retry_) {
        next_retry_ = now + kRetryDelay;
        queue_.insert(queue_.end(), retry_queue_.begin(), retry_queue_.end());
        retry_queue_.clear();
      }
    }
  }

 private:
  struct Batch {
    std::vector<AgentConnection*> connections;
    // Of the connector; empty without it.
    std::vector<ConnectResult> results;

    std::vector<ConnectRequest> requests() const {
      std::vector<ConnectRequest> requests(connections.size());
      std::transform(
          connections.begin(), connections.end(), requests.begin(),
          [](const auto* connection) { return connection->request(); });
      return requests;
    }
  };

  void Start() {
    for (const auto& connection : connections_) {
      connection->DiscardLateResponse();
      if (!connection->is_unresponsive()) ++pending_;
      if (connection->state() == AgentConnection::State::kConnected) {
        Register(*connection);
      } else {
        queue_.push_back(connection.get());
      }
    }
  }

  bool IsSaturated() const {
    return !queue_.empty() && connected_ >= max_connected_;
  }

  void PreemptSlowConnections(steady_clock::time_point now) {
    for (const auto& connection : connections_) {
      if (connection->state() != AgentConnection::State::kConnected ||
          now < connection->connected_at() + kTimeSlice) {
        continue;
      }
      connection->Requeue();
      --connected_;
      retry_queue_.push_back(connection.get());
    }
  }

  // While the connector makes the connections of one batch, those of the
  // previous one are taken.
  void ConnectQueued(steady_clock::time_point end) {
    Batch previous;
    while (!queue_.empty() && CanConnect(previous) > 0 &&
           steady_clock::now() < end) {
      Batch batch;
      batch.connections = TakeQueued(std::min(CanConnect(previous), kBatch));
      if (connector_ != nullptr) {
        batch.results = connector_->Connect(
            batch.requests(), end, [&] { Take(std::exchange(previous, {})); });
      }
      previous = std::move(batch);
      if (previous.results.empty()) Take(std::exchange(previous, {}));
    }
    Take(std::move(previous));
  }

  std::size_t CanConnect(const Batch& pending) const {
    const std::size_t used = connected_ + pending.connections.size();
    return max_connected_ - std::min(max_connected_, used);
  }

  std::vector<AgentConnection*> TakeQueued(std::size_t max_count) {
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(
                                          std::min(max_count, queue_.size()));
    std::vector<AgentConnection*> taken(queue_.begin(), end);
    queue_.erase(queue_.begin(), end);
    return taken;
  }

  void Take(Batch batch) {
    for (std::size_t i = 0; i < batch.connections.size(); ++i) {
      AgentConnection& connection = *batch.connections[i];
      if (!batch.results.empty()) {
        connection.Connect(std::move(batch.results[i]), verify_);
      } else if (connection.socket().network_namespace == 0) {
        connection.Connect(ConnectSocket(connection.request()), verify_);
      } else {
        connection.Abandon();
      }
      if (connection.state() == AgentConnection::State::kConnected) {
        Register(connection);
      } else {
        RetryOrFinish(connection);
      }
    }
  }

  // A descriptor that the connector has passed stays registered after it was
  // closed here, until it is closed there: it must not be reported again.
  bool Await(AgentConnection& connection, int operation) const {
    epoll_event event = {.events = EPOLLIN | EPOLLONESHOT,
                         .data = {.ptr = &connection}};
    return epoll_ctl(epoll_, operation, connection.descriptor(), &event) == 0;
  }

  void Register(AgentConnection& connection) {
    if (Await(connection, EPOLL_CTL_ADD)) {
      ++connected_;
    } else {
      connection.Requeue();
      retry_queue_.push_back(&connection);
    }
  }

  bool ReceiveReady(milliseconds time) {
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, std::size(events),
                                 static_cast<int>(time.count()));
    for (int i = 0; i < count; ++i) {
      AgentConnection& connection =
          *static_cast<AgentConnection*>(events[i].data.ptr);
      if (connection.state() != AgentConnection::State::kConnected) continue;
      connection.Receive();
      if (connection.state() == AgentConnection::State::kConnected) {
        Await(connection, EPOLL_CTL_MOD);
        continue;
      }
      --connected_;
      RetryOrFinish(connection);
    }
    return count >= 0 || errno == EINTR;
  }

  // For a connection whose descriptor is closed.
  void RetryOrFinish(AgentConnection& connection) {
    if (connection.state() == AgentConnection::State::kClosed &&
        connection.closed_count() < kMaxClosedConnections) {
      connection.Requeue();
    }
    if (connection.state() == AgentConnection::State::kQueued) {
      retry_queue_.push_back(&connection);
    } else if (!connection.is_unresponsive()) {
      --pending_;
    }
  }

  AgentConnections& connections_;
  const VerifyPeer& verify_;
  Connector* const connector_;
  std::deque<AgentConnection*> queue_;
  std::deque<AgentConnection*> retry_queue_;
  steady_clock::time_point next_retry_;
  std::size_t connected_ = 0;
  // Connections without a response, except unresponsive ones.
  std::size_t pending_ = 0;
  std::size_t max_connected_;
  int epoll_;
};

}  // namespace

std::size_t MaxConnections() {
  constexpr std::size_t kMaxConnections = 1024;
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(kMaxConnections, limit.rlim_cur / 2);
}

void RunPollLoop(AgentConnections& connections,
                 steady_clock::time_point deadline, const VerifyPeer& verify,
                 Connector* connector) {
  PollLoop(connections, verify, connector).Run(deadline);
}

}  // namespace jemalloc_exporter
