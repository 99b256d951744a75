#include "exporter/connector/connector.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "exporter/connector/capabilities.h"
#include "exporter/connector/connector_process.h"

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::seconds kStartTimeout{10};

// See `Connector::limitation`.
std::string Limitation(const PacketHeader& started) {
  const CapabilitySet missing = kConnectorCapabilities & ~started.capabilities;
  if (missing != 0) {
    return "no " + CapabilityNames(missing);
  }
  if (started.setns_error != 0) {
    return std::string("setns: ") +
           std::strerror(static_cast<int>(started.setns_error));
  }
  if (started.denied != 0) {
    return std::to_string(started.denied) +
           " denied in spite of CAP_SYS_PTRACE: /proc/PID/ns/net cannot be "
           "read, for example under AppArmor";
  }
  return "";
}

ConnectItem ToItem(const ConnectRequest& request) {
  return {
      .network_namespace = request.network_namespace,
      .pid = request.name.pid,
      .instance = request.name.instance,
      .user = request.user,
      .sets = ToBits(request.sets),
      .is_profile = request.is_profile ? std::uint16_t{1} : std::uint16_t{0}};
}

}  // namespace

Connector::Connector(std::function<void(const std::string&)> on_end)
    : on_end_(std::move(on_end)) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error(std::string("socketpair: ") +
                             std::strerror(errno));
  }
  socket_ = FileDescriptor(ends[0]);
  const FileDescriptor other(ends[1]);
  pid_ = fork();
  if (pid_ < 0) {
    throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  }
  if (pid_ == 0) {
    close(ends[0]);
    RunConnectorProcess(ends[1]);
  }
  AwaitStart();
}

Connector::~Connector() {
  const std::lock_guard lock(mutex_);
  if (!socket_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Connector::is_running() const {
  const std::lock_guard lock(mutex_);
  return static_cast<bool>(socket_);
}

void Connector::AwaitStart() {
  Packet packet;
  if (packet.Receive(socket_.get(),
                     std::chrono::steady_clock::now() + kStartTimeout)) {
    limitation_ = Limitation(packet.header);
    return;
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  throw std::runtime_error(
      "the connector of --agent.all-namespaces has not "
      "started");
}

std::optional<std::size_t> Connector::List(
    Deadline deadline,
    const std::function<void(NetworkNamespace, int table)>& read) {
  const std::lock_guard lock(mutex_);
  if (!Send(PacketType::kList, {}, deadline)) return std::nullopt;
  Packet packet;
  do {
    if (!Receive(packet, deadline)) return std::nullopt;
    const auto items = packet.Items<NamespaceItem>();
    if (!items) return std::nullopt;
    // Without descriptors left, some of them are missing.
    for (std::size_t i = 0;
         i < std::min(items->size(), packet.descriptors.size()); ++i) {
      read((*items)[i].network_namespace, packet.descriptors[i].get());
    }
  } while (packet.header.is_last == 0);
  return packet.header.denied;
}

std::vector<ConnectResult> Connector::Connect(
    const std::vector<ConnectRequest>& requests, Deadline deadline,
    const std::function<void()>& meanwhile) {
  std::vector<ConnectItem> sent(requests.size());
  std::transform(requests.begin(), requests.end(), sent.begin(), ToItem);
  const std::lock_guard lock(mutex_);
  Packet packet;
  const bool is_sent = Send(PacketType::kConnect, sent, deadline);
  meanwhile();
  if (!is_sent || !Receive(packet, deadline)) return {};
  const auto items = packet.Items<ConnectedItem>();
  if (!items || items->size() != requests.size()) return {};
  std::vector<ConnectResult> results(requests.size());
  std::size_t taken = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ConnectedItem& item = (*items)[i];
    results[i].error = item.error;
    results[i].is_entered = item.is_entered != 0;
    results[i].bound = ToSets(item.sets);
    if (item.error != 0) continue;
    if (taken < packet.descriptors.size()) {
      results[i].descriptor = std::move(packet.descriptors[taken++]);
    } else {
      results[i].error = EMFILE;  // Of this process: the rest is missing.
    }
  }
  return results;
}

// With `mutex_` held. A request that was not answered in time is first read to
// its end: its packets precede those of the next one.
bool Connector::Send(PacketType type, const std::vector<ConnectItem>& items,
                     Deadline deadline) {
  Packet late;
  while (is_pending_) {
    if (!Receive(late, deadline)) return false;
  }
  if (!socket_) return false;
  if (!SendPacket(socket_.get(), {.type = type, .number = ++number_}, items, {},
                  false)) {
    if (errno != EAGAIN) End(std::strerror(errno));
    return false;
  }
  is_pending_ = true;
  return true;
}

// With `mutex_` held.
bool Connector::Receive(Packet& packet, Deadline deadline) {
  if (!socket_) return false;
  if (!packet.Receive(socket_.get(), deadline)) {
    if (errno != EAGAIN) End(std::strerror(errno));
    return false;
  }
  is_pending_ = packet.header.is_last == 0;
  return true;
}

// With `mutex_` held.
void Connector::End(const std::string& problem) {
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  socket_ = FileDescriptor();
  is_pending_ = false;
  if (!on_end_) return;
  on_end_(WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL
              ? "signal " + std::to_string(WTERMSIG(status))
              : problem);
}

}  // namespace jemalloc_exporter
