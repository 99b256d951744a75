#include "exporter/connector/connector_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

#include "exporter/connector/capabilities.h"
#include "exporter/connector/connect_request.h"
#include "exporter/connector/namespace_scan.h"
#include "exporter/connector/packet.h"
#include "exporter/connector/release_memory.h"

namespace jemalloc_exporter {
namespace {

// Between two requests of one scrape.
constexpr std::chrono::milliseconds kIdleTime{5};

constexpr uid_t kUnchanged = static_cast<uid_t>(-1);

class ConnectorProcess {
 public:
  explicit ConnectorProcess(int server)
      : server_(server),
        home_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)),
        own_user_(geteuid()) {
    // RestrictNamespaces= of systemd permits calls that name the type.
    if (setns(home_.get(), CLONE_NEWNET) != 0) setns_error_ = errno;
  }

  // Returns at the end of the stream.
  void Run() {
    SendStarted();
    Packet request;
    while (Wait(request)) {
      if (request.header.type == PacketType::kList) {
        List(request.header.number);
      } else if (request.header.type == PacketType::kConnect) {
        Connect(request);
      }
    }
  }

 private:
  // False at the end of the stream.
  bool Wait(Packet& request) const {
    if (request.Receive(server_, std::chrono::steady_clock::now() + kIdleTime))
      return true;
    if (errno != EAGAIN) return false;
    ReleaseMemory();
    return request.Receive(server_, std::nullopt);
  }

  void SendStarted() {
    scan_.Update();
    const PacketHeader header = {.type = PacketType::kStarted,
                                 .denied = CountDenied(0),
                                 .capabilities = PermittedCapabilities(),
                                 .setns_error = setns_error_};
    SendPacket(server_, header, nullptr, 0, {}, true);
  }

  std::uint32_t CountDenied(std::size_t unreadable) const {
    const std::size_t others = setns_error_ == 0 ? 0 : scan_.Others().size();
    return static_cast<std::uint32_t>(scan_.denied() + others + unreadable);
  }

  void List(std::uint32_t number) {
    scan_.Update();
    std::vector<NamespaceItem> items;
    std::vector<FileDescriptor> tables;
    std::size_t unreadable = 0;
    PacketHeader header = {
        .type = PacketType::kList, .number = number, .is_last = 0};
    const std::vector<NetworkNamespace> others =
        setns_error_ == 0 ? scan_.Others() : std::vector<NetworkNamespace>{};
    for (const NetworkNamespace each : others) {
      errno = 0;
      FileDescriptor table = scan_.OpenTable(each);
      if (!table) {
        if (errno != 0 && errno != ENOENT && errno != ESRCH) ++unreadable;
        continue;
      }
      items.push_back({each});
      tables.push_back(std::move(table));
      if (items.size() == kMaxPacketItems) SendList(header, items, tables);
    }
    header.is_last = 1;
    header.denied = CountDenied(unreadable);
    SendList(header, items, tables);
  }

  void SendList(const PacketHeader& header, std::vector<NamespaceItem>& items,
                std::vector<FileDescriptor>& tables) const {
    SendPacket(server_, header, items, Numbers(tables), true);
    items.clear();
    tables.clear();
  }

  void Connect(const Packet& packet) {
    const auto items = packet.Items<ConnectItem>();
    if (!items) return;
    std::vector<ConnectedItem> answers;
    std::vector<FileDescriptor> connected;
    can_update_ = true;
    for (const ConnectItem& item : *items) {
      ConnectResult result = ConnectOne(item);
      answers.push_back({.error = result.error,
                         .is_entered = result.is_entered ? std::uint16_t{1}
                                                         : std::uint16_t{0},
                         .sets = ToBits(result.bound)});
      if (result.error == 0) {
        connected.push_back(std::move(result.descriptor));
      }
    }
    Enter(0);
    SendPacket(server_,
               {.type = PacketType::kConnect, .number = packet.header.number},
               answers, Numbers(connected), true);
  }

  ConnectResult ConnectOne(const ConnectItem& item) {
    ConnectResult result;
    if (item.pid < 1 || item.instance < 1 || item.instance > kMaxInstance) {
      result.error = EINVAL;
      return result;
    }
    result.error = Enter(item.network_namespace);
    if (result.error != 0) return result;
    if (item.user != kOwnUser && !SetUser(item.user)) {
      result.error = EPERM;
      result.is_entered = true;
      return result;
    }
    result = ConnectSocket({.name = {item.pid, item.instance},
                            .sets = ToSets(item.sets),
                            .is_profile = item.is_profile != 0});
    if (item.user != kOwnUser) SetUser(own_user_);
    return result;
  }

  // The raw call, which changes this thread only, and the effective user only.
  static bool SetUser(uid_t user) {
    const bool is_set =
        syscall(SYS_setresuid, kUnchanged, user, kUnchanged) == 0;
    RaiseCapabilities();
    return is_set;
  }

  // Returns errno, or 0. Requests are sorted, so most are in the current one.
  int Enter(NetworkNamespace network_namespace) {
    if (network_namespace == current_) return 0;
    FileDescriptor entry;
    if (network_namespace != 0) {
      entry = scan_.Open(network_namespace, can_update_);
      can_update_ = static_cast<bool>(entry) && can_update_;
      if (!entry) return errno;
    }
    const int target = network_namespace == 0 ? home_.get() : entry.get();
    if (setns(target, CLONE_NEWNET) != 0) return errno;
    current_ = network_namespace;
    return 0;
  }

  static std::vector<int> Numbers(const std::vector<FileDescriptor>& files) {
    std::vector<int> numbers(files.size());
    std::transform(files.begin(), files.end(), numbers.begin(),
                   [](const FileDescriptor& file) { return file.get(); });
    return numbers;
  }

  const int server_;
  const FileDescriptor home_;
  const uid_t own_user_;
  int setns_error_ = 0;
  NamespaceScan scan_;
  NetworkNamespace current_ = 0;
  bool can_update_ = false;
};

// The server ends the connector, by the end of the stream. A signal to the
// process group, or of systemd to the cgroup, would end it before the server
// has finished its last requests.
void IgnoreSignals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    std::signal(signal, SIG_IGN);
  }
}

// Listening sockets of systemd, for example.
void CloseOthers(int server) {
  const auto kept = static_cast<unsigned>(server);
  constexpr unsigned kFirst = STDERR_FILENO + 1;
  if (kept > kFirst) close_range(kFirst, kept - 1, 0);
  close_range(kept + 1, ~0U, 0);
}

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

void RunConnectorProcess(int server) {
  try {
    IgnoreSignals();
    prctl(PR_SET_NAME, "jemalloc_connec");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    CloseOthers(server);
    RaiseDescriptorLimit();
    RestrictCapabilities(kConnectorCapabilities);
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);  // From user 0 to another.
    ConnectorProcess(server).Run();
  } catch (const std::exception&) {
    _exit(1);
  }
  _exit(0);
}

}  // namespace jemalloc_exporter
