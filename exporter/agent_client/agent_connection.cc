#include "exporter/agent_client/agent_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "exporter/process/peer_credentials.h"
#include "exporter/process/proc_stat.h"

namespace jemalloc_exporter {
namespace {

ProcessStatus StatusOf(const ParsedResponse& response) {
  const auto& heaps = response.heaps;
  const bool is_used =
      heaps.empty() ? response.used
                    : std::any_of(heaps.begin(), heaps.end(),
                                  [](const auto& heap) { return heap.used; });
  return is_used ? ProcessStatus::kUsed : ProcessStatus::kUnused;
}

// After an error. Without memory or descriptors it is connected later.
AgentConnection::State StateOf(const ConnectResult& result) {
  using State = AgentConnection::State;
  switch (result.error) {
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return State::kQueued;
    case ECONNREFUSED:
      return State::kGone;
    default:
      return result.is_entered ? State::kFinished : State::kUnknown;
  }
}

bool Exists(pid_t pid) { return kill(pid, 0) == 0 || errno == EPERM; }

// Whether the process that called listen(2) has ended. SO_PEERCRED still
// returns its pid then, which another process may have. False where it is
// unknown, on Linux before 6.5.
bool HasListenerEnded(int descriptor) {
  constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD, which glibc 2.36 lacks.
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  if (getsockopt(descriptor, SOL_SOCKET, kPeerPidfd, &pidfd, &size) != 0) {
    return errno == EINVAL || errno == ESRCH;
  }
  pollfd ended = {pidfd, POLLIN, 0};
  const bool has_ended = poll(&ended, 1, 0) > 0;
  close(pidfd);
  return has_ended;
}

}  // namespace

bool AgentConnection::HasWaited(
    std::chrono::steady_clock::duration time) const {
  return first_attempt_ &&
         std::chrono::steady_clock::now() - *first_attempt_ >= time;
}

void AgentConnection::DiscardLateResponse() {
  closed_count_ = 0;
  first_attempt_.reset();
  if (state_ != State::kConnected) return;
  first_attempt_ = std::chrono::steady_clock::now();
  Receive();
  if (state_ == State::kConnected) return ReadProc();
  response_.reset();
  closed_count_ = 0;
  is_unresponsive_ = false;
  state_ = State::kQueued;
}

ConnectRequest AgentConnection::request() const {
  return {.network_namespace = socket_.network_namespace,
          .name = socket_.name,
          .user = user_,
          .sets = requested_};
}

void AgentConnection::Connect(ConnectResult result, const VerifyPeer& verify) {
  if (!first_attempt_) first_attempt_ = std::chrono::steady_clock::now();
  if (result.error != 0) return Finish(StateOf(result));
  descriptor_ = result.descriptor.release();
  bound_ = result.bound;
  kernel_pid_.reset();
  if (const auto credentials = PeerCredentials(descriptor_)) {
    kernel_pid_ = credentials->pid;
    listening_user_ = credentials->uid;
  }
  const auto verified =
      kernel_pid_ ? verify(socket_.name, *kernel_pid_) : std::nullopt;
  if (!verified) return Finish(State::kUnknown);
  if (!*verified) return Finish(State::kRejected);
  state_ = State::kConnected;
  connected_at_ = std::chrono::steady_clock::now();
  ReadProc();
}

// These files are of the process that listens only if that process still runs
// afterwards, or has the start time of the one that listened before.
void AgentConnection::ReadProc() {
  if (kernel_pid_ == 0) return;
  stat_ = ReadProcStat(*kernel_pid_);
  if (listener_ && stat_ && listener_->IsRunning(*kernel_pid_, *stat_)) return;
  listener_.reset();
  const auto now = std::chrono::steady_clock::now();
  Cgroup cgroup = ReadCgroup(*kernel_pid_);
  if (HasListenerEnded(descriptor_)) return Finish(State::kGone);
  if (!stat_) return;
  listener_ = {.pid = *kernel_pid_,
               .start_time_seconds = stat_->start_time_seconds,
               .cgroup = std::move(cgroup),
               .read_at = now};
}

void AgentConnection::Receive() {
  const std::size_t max_size =
      bound_.any() ? kMaxDetailedResponseSize : kMaxResponseSize;
  for (;;) {
    char bytes[4096];
    const ssize_t size = recv(descriptor_, bytes, sizeof(bytes), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) break;
    document_.append(bytes, static_cast<std::size_t>(size));
    if (document_.size() > max_size) break;
  }
  if (document_.empty()) {
    ++closed_count_;
    user_ = user_ == kOwnUser ? listening_user_ : kOwnUser;
    return Finish(State::kClosed);
  }
  response_ = ParseResponse(document_, bound_);
  if (response_ && response_->pid != socket_.name.pid) response_.reset();
  Finish(State::kFinished);
}

std::optional<Process> AgentConnection::ToProcess() const {
  if (state_ == State::kGone || state_ == State::kUnknown ||
      state_ == State::kRejected) {
    return std::nullopt;
  }
  Process process;
  process.pid = socket_.name.pid;
  process.pid_is_unverified = kernel_pid_.value_or(0) == 0;
  if (!process.pid_is_unverified) process.pid = *kernel_pid_;
  if (response_) {
    process.comm = response_->comm;
    process.jemalloc_version = response_->jemalloc_version;
    process.status = StatusOf(*response_);
    process.heaps = response_->heaps;
    process.details = response_->details;
    if (process.heaps.empty()) {
      process.heap_state = response_->heap_state;
      process.statistics = response_->statistics;
      process.options = response_->options;
    } else {
      process.heap_state = SumOfHeaps(process.heaps);
      process.statistics = SumOfStatistics(process.heaps);
    }
  }
  if (process.pid_is_unverified) return process;
  const auto stat = response_ ? stat_ : ReadProcStat(process.pid);
  if (!response_ && (stat ? IsEnding(*stat) : !Exists(process.pid))) {
    return std::nullopt;
  }
  if (stat && stat_ && stat->start_time_seconds != stat_->start_time_seconds) {
    return std::nullopt;  // Another process has reused the pid.
  }
  if (stat) SetProcStat(*stat, process);
  if (listener_) process.cgroup = listener_->cgroup;
  return process;
}

void AgentConnection::Finish(State state) {
  Close();
  document_ = {};
  state_ = state;
}

void AgentConnection::Close() {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

}  // namespace jemalloc_exporter
