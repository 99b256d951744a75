#include "exporter/agent_client/peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "exporter/process/proc_stat.h"
#include "exporter/text/label_text.h"

namespace jemalloc_exporter {
namespace {

bool Exists(pid_t pid) { return kill(pid, 0) == 0 || errno == EPERM; }

std::optional<pid_t> KernelPid(int descriptor) {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) !=
      0) {
    return std::nullopt;
  }
  return credentials.pid;
}

}  // namespace

void Peer::Connect(const VerifyPeer& verify) {
  descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0) return;
  sockaddr_un address;
  const socklen_t size = WriteAddress(socket_.name, &address);
  if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    Finish(errno == EAGAIN         ? State::kWaiting
           : errno == ECONNREFUSED ? State::kGone
                                   : State::kDone);
    return;
  }
  kernel_pid_ = KernelPid(descriptor_);
  const auto verified =
      kernel_pid_ ? verify(socket_.name, *kernel_pid_) : std::nullopt;
  if (!verified) return Finish(State::kIgnored);
  if (!*verified) return Finish(State::kRejected);
  state_ = State::kOpen;
  opened_ = std::chrono::steady_clock::now();
}

void Peer::Receive() {
  for (;;) {
    char bytes[4096];
    const ssize_t size = recv(descriptor_, bytes, sizeof(bytes), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) break;
    document_.append(bytes, static_cast<std::size_t>(size));
    if (document_.size() > kMaxAnswerSize) break;
  }
  answer_ = ParseAnswer(document_);
  if (answer_ && answer_->pid != socket_.name.pid) answer_.reset();
  Finish(State::kDone);
}

std::optional<Process> Peer::ToProcess() const {
  if (state_ == State::kGone || state_ == State::kIgnored ||
      state_ == State::kRejected) {
    return std::nullopt;
  }
  Process process;
  process.pid = socket_.name.pid;
  process.pid_is_claimed = kernel_pid_.value_or(0) == 0;
  if (!process.pid_is_claimed) process.pid = *kernel_pid_;
  if (answer_) {
    process.comm = answer_->comm;
    process.jemalloc_version = answer_->jemalloc_version;
    process.status =
        answer_->used ? ProcessStatus::kUsed : ProcessStatus::kUnused;
    process.heap_state = answer_->heap_state;
  }
  if (process.pid_is_claimed) return process;
  if (const auto stat = ReadProcStat(process.pid)) {
    process.comm = LabelText(stat->comm, kMaxCommSize);
    process.resident_memory_bytes = stat->resident_memory_bytes;
    process.start_time_seconds = stat->start_time_seconds;
  } else if (!answer_ && !Exists(process.pid)) {
    return std::nullopt;
  }
  return process;
}

void Peer::Finish(State state) {
  Close();
  document_ = {};
  state_ = state;
}

void Peer::Close() {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

}  // namespace jemalloc_exporter
