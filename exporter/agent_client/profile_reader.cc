#include "exporter/agent_client/profile_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/text/json_sax.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent_client/agent_discovery.h"
#include "exporter/agent_client/namespace_pid_cache.h"
#include "exporter/connector/connect_request.h"
#include "exporter/http/file_descriptor.h"
#include "exporter/http/wait_until_readable.h"
#include "exporter/process/peer_credentials.h"
#include "exporter/process/proc_stat.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

// What an agent sent, until the end of the stream.
struct Message {
  std::string document;
  FileDescriptor file;
};

// The values of a document.
struct Document {
  bool has_version = false;
  bool is_ok = false;
  AgentProfile profile;
};

[[noreturn]] void Fail(pid_t pid, const std::string& problem,
                       ProfileFailure failure = ProfileFailure::kInvalid) {
  throw ProfileError(failure, "process " + std::to_string(pid) + " " + problem);
}

// False for a zombie.
bool Exists(pid_t pid) {
  if (kill(pid, 0) != 0 && errno == ESRCH) return false;
  const auto stat = ReadProcStat(pid);
  return !stat || !IsEnding(*stat);
}

// After its end of the stream. A process that is killed closes its sockets one
// after the other, and is a zombie after the last.
bool HasEnded(pid_t pid) {
  constexpr int kAttempts = 10;
  constexpr int kIntervalMs = 10;
  for (int i = 0; i < kAttempts; ++i) {
    if (!Exists(pid) || !HasProfileSocket(pid)) return true;
    poll(nullptr, 0, kIntervalMs);
  }
  return false;
}

// An empty descriptor if connect(2) fails, or the queue of clients stays full.
FileDescriptor Connect(const AgentAddress& name, Clock::time_point deadline) {
  constexpr int kRetryMs = 10;
  for (;;) {
    ConnectResult result = ConnectSocket({.name = name, .is_profile = true});
    if (result.error != EAGAIN || Clock::now() >= deadline) {
      return std::move(result.descriptor);
    }
    poll(nullptr, 0, kRetryMs);
  }
}

bool IsPeer(int socket, pid_t pid) {
  const auto peer = PeerCredentials(socket);
  return peer && peer->pid == pid;
}

// The process itself names the sockets for the pid in its own pid namespace.
std::vector<AgentSocket> SocketsOf(pid_t pid) {
  std::vector<AgentSocket> sockets = DiscoverSockets().profiles;
  if (sockets.empty()) return sockets;
  const pid_t own = NamespacePidCache().NamespacePid(pid).value_or(pid);
  std::erase_if(sockets, [&](const AgentSocket& socket) {
    return socket.name.pid != own;
  });
  return sockets;
}

FileDescriptor ConnectTo(pid_t pid, Clock::time_point deadline) {
  for (const AgentSocket& socket : SocketsOf(pid)) {
    FileDescriptor peer = Connect(socket.name, deadline);
    if (peer && IsPeer(peer.get(), pid)) return peer;
  }
  return FileDescriptor();
}

// Takes one descriptor; the kernel closes further ones.
void TakeDescriptor(msghdr& header, FileDescriptor& file) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
        control->cmsg_len < CMSG_LEN(sizeof(int))) {
      continue;
    }
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(control), sizeof(descriptor));
    file = FileDescriptor(descriptor);
  }
}

// Absent if the agent sends no end of the stream in time, or too much.
std::optional<Message> Receive(int peer, Clock::time_point deadline) {
  Message message;
  while (message.document.size() <= kMaxResponseSize) {
    if (!WaitUntilReadable(peer, deadline)) return std::nullopt;
    char bytes[4096];
    iovec data = {bytes, sizeof(bytes)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = CMSG_LEN(sizeof(int));  // Of one descriptor.
    const ssize_t size = recvmsg(peer, &header, MSG_CMSG_CLOEXEC);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) return message;
    TakeDescriptor(header, message.file);
    message.document.append(bytes, static_cast<std::size_t>(size));
  }
  return std::nullopt;
}

void ParseKey(const JsonEvent& event, Document& document) {
  if (event.path.size() != 1) return;
  const std::string& key = event.path.front();
  const std::string_view text = event.text.value_or("");
  if (key == kAgentKey) {
    document.has_version = event.unsigned_integer == kAgentVersion;
  }
  if (key == kProfileKey) document.is_ok = text == kProfileOk;
  if (key == kCommKey) {
    document.profile.comm = SanitizeLabel(text, kMaxCommSize);
  }
  if (key == kJemallocVersionKey) {
    document.profile.jemalloc_version =
        SanitizeLabel(text, kMaxJemallocVersionSize);
  }
}

Document ParseDocument(pid_t pid, const std::string& json) {
  Document document;
  std::string ignored;
  const bool is_read = ParseJson(
      json,
      [&](const JsonEvent& event) {
        ParseKey(event, document);
        return true;
      },
      &ignored);
  if (!is_read || !document.has_version) Fail(pid, "sent an invalid document");
  return document;
}

// A pipe, a socket or a file of a disk has none of these seals.
bool IsSealed(int file) {
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  const int seals = fcntl(file, F_GET_SEALS);
  return seals >= 0 && (seals & kSeals) == kSeals;
}

std::string ReadSealed(pid_t pid, int file) {
  struct stat status = {};
  if (!IsSealed(file) || fstat(file, &status) != 0) {
    Fail(pid, "sent a file that is not sealed");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxProfileBytes) Fail(pid, "sent more than 64 MiB");
  std::string text(size, '\0');
  std::size_t at = 0;
  while (at < size) {
    const ssize_t bytes =
        pread(file, text.data() + at, size - at, static_cast<off_t>(at));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) Fail(pid, "sent a file that cannot be read");
    at += static_cast<std::size_t>(bytes);
  }
  return text;
}

}  // namespace

bool HasProfileSocket(pid_t pid) { return !SocketsOf(pid).empty(); }

AgentProfile ReadAgentProfile(pid_t pid, Clock::time_point deadline) {
  const FileDescriptor peer = ConnectTo(pid, deadline);
  if (!peer) {
    if (!Exists(pid)) {
      throw ProfileError(ProfileFailure::kAbsent,
                         "there is no process " + std::to_string(pid));
    }
    Fail(pid, std::string("has no heap profile; ") + kHowToProfile,
         ProfileFailure::kAbsent);
  }
  const auto message = Receive(peer.get(), deadline);
  if (!message) {
    Fail(pid, "sent no heap profile in time", ProfileFailure::kTimeout);
  }
  if (message->document.empty()) {
    if (HasEnded(pid)) Fail(pid, "has ended", ProfileFailure::kAbsent);
    Fail(pid, "sent no heap profile: it is ending, or serves other users");
  }
  Document document = ParseDocument(pid, message->document);
  if (!document.is_ok) {
    Fail(pid,
         "could not write a heap profile; its limits of open files or of "
         "file sizes may be too low");
  }
  if (!message->file) Fail(pid, "sent no file");
  document.profile.dump = ReadSealed(pid, message->file.get());
  return std::move(document.profile);
}

}  // namespace jemalloc_exporter
