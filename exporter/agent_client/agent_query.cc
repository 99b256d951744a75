#include "exporter/agent_client/agent_query.h"

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

class AgentQuery {
 public:
  AgentQuery(AgentConnections& connections, const VerifyPeer& verify,
             Connector* connector)
      : connections_(connections),
        verify_(verify),
        connector_(connector),
        max_connected_(MaxConnections()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  AgentQuery(const AgentQuery&) = delete;
  AgentQuery& operator=(const AgentQuery&) = delete;
  ~AgentQuery() { close(epoll_); }

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

  void ConnectQueued(steady_clock::time_point end) {
    while (!queue_.empty() && connected_ < max_connected_ &&
           steady_clock::now() < end) {
      const std::size_t count =
          std::min({queue_.size(), max_connected_ - connected_, kBatch});
      const std::vector<AgentConnection*> batch(
          queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
      queue_.erase(queue_.begin(),
                   queue_.begin() + static_cast<std::ptrdiff_t>(count));
      Connect(batch, end);
      for (AgentConnection* connection : batch) {
        if (connection->state() == AgentConnection::State::kConnected) {
          Register(*connection);
        } else {
          RetryOrFinish(*connection);
        }
      }
    }
  }

  void Connect(const std::vector<AgentConnection*>& batch,
               steady_clock::time_point end) {
    if (connector_ != nullptr && ConnectElsewhere(batch, end)) return;
    for (AgentConnection* connection : batch) {
      if (connection->socket().network_namespace == 0) {
        connection->Connect(ConnectSocket(connection->request()), verify_);
      } else {
        connection->Abandon();
      }
    }
  }

  bool ConnectElsewhere(const std::vector<AgentConnection*>& batch,
                        steady_clock::time_point end) {
    std::vector<ConnectRequest> requests(batch.size());
    std::transform(
        batch.begin(), batch.end(), requests.begin(),
        [](const auto* connection) { return connection->request(); });
    std::vector<ConnectResult> results = connector_->Connect(requests, end);
    if (results.empty()) return false;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i]->Connect(std::move(results[i]), verify_);
    }
    return true;
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

void QueryAgents(AgentConnections& connections,
                 steady_clock::time_point deadline, const VerifyPeer& verify,
                 Connector* connector) {
  AgentQuery(connections, verify, connector).Run(deadline);
}

}  // namespace jemalloc_exporter
