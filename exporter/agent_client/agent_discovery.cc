#include "exporter/agent_client/agent_discovery.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {
namespace {

bool RemovePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<int> RemoveNumber(std::string_view& text) {
  int number = 0;
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.starts_with('0') || parsed.ec != std::errc() || number < 1) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return number;
}

// `path` as in the table, with @ for the leading NUL.
std::optional<AgentAddress> ParseName(std::string_view path, bool* is_profile) {
  if (!RemovePrefix(path, "@")) return std::nullopt;
  *is_profile = RemovePrefix(path, kProfileSocketPrefix);
  if (!*is_profile && !RemovePrefix(path, kSocketPrefix)) return std::nullopt;
  const auto pid = RemoveNumber(path);
  if (!pid) return std::nullopt;
  if (path.empty()) return AgentAddress{.pid = *pid};
  if (!RemovePrefix(path, ".")) return std::nullopt;
  const auto instance = RemoveNumber(path);
  if (!instance || *instance < 2 || *instance > kMaxInstance || !path.empty()) {
    return std::nullopt;
  }
  return AgentAddress{.pid = *pid, .instance = *instance};
}

// "Num: RefCount Protocol Flags Type St Inode Path": a stream socket, type 1,
// that listens, flag __SO_ACCEPTCON, state SS_UNCONNECTED.
std::optional<AgentSocket> ParseLine(std::string_view line, bool* is_profile) {
  constexpr std::string_view kListeningStream = " 00010000 0001 01 ";
  const auto path = line.find(" @");
  if (path == std::string_view::npos) return std::nullopt;
  std::string_view fields = line.substr(0, path);
  const auto kind = fields.find(kListeningStream);
  if (kind == std::string_view::npos) return std::nullopt;
  const auto name = ParseName(line.substr(path + 1), is_profile);
  if (!name) return std::nullopt;
  fields.remove_prefix(kind + kListeningStream.size());
  fields.remove_prefix(std::min(fields.find_first_not_of(' '), fields.size()));
  std::uint64_t inode = 0;
  std::from_chars(fields.data(), fields.data() + fields.size(), inode);
  return AgentSocket{.name = *name, .inode = inode};
}

// Those of the largest tables are dropped, whatever a process fills its own
// network namespace with.
std::vector<AgentSocket> Join(std::vector<std::vector<AgentSocket>> tables) {
  std::sort(tables.begin(), tables.end(),
            [](const auto& a, const auto& b) { return a.size() < b.size(); });
  std::vector<AgentSocket> sockets;
  for (const std::vector<AgentSocket>& table : tables) {
    const std::size_t count =
        std::min(table.size(), kMaxSockets - sockets.size());
    sockets.insert(sockets.end(), table.begin(),
                   table.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::sort(sockets.begin(), sockets.end());
  return sockets;
}

void SortWithoutDuplicates(std::vector<AgentSocket>& sockets) {
  std::sort(sockets.begin(), sockets.end());
  sockets.erase(std::unique(sockets.begin(), sockets.end()), sockets.end());
}

// One connection for each name.
void RemoveDuplicates(std::vector<AgentSocket>& sockets) {
  const auto end = std::unique(
      sockets.begin(), sockets.end(), [](const auto& a, const auto& b) {
        return a.network_namespace == b.network_namespace && a.name == b.name;
      });
  sockets.erase(end, sockets.end());
}

void OrderByNamespaceSize(std::vector<AgentSocket>& sockets) {
  std::map<NetworkNamespace, std::size_t> sizes;
  for (const AgentSocket& socket : sockets) ++sizes[socket.network_namespace];
  if (sizes.size() < 2) return;
  const auto key = [&](const AgentSocket& socket) {
    return std::pair(sizes[socket.network_namespace], socket.network_namespace);
  };
  std::stable_sort(
      sockets.begin(), sockets.end(),
      [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

}  // namespace

AgentSockets ParseSocketTable(std::string_view table) {
  AgentSockets sockets;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    bool is_profile = false;
    const auto socket = ParseLine(line, &is_profile);
    auto& list = is_profile ? sockets.profiles : sockets.agents;
    if (socket && list.size() < kMaxSockets) list.push_back(*socket);
    table.remove_prefix(std::min(line.size() + 1, table.size()));
  }
  SortWithoutDuplicates(sockets.agents);
  SortWithoutDuplicates(sockets.profiles);
  return sockets;
}

AgentSockets DiscoverSockets() {
  return ParseSocketTable(ReadProcFile("/proc/net/unix"));
}

std::vector<AgentSocket> AddOtherNamespaces(
    std::vector<AgentSocket> agents, Connector& connector,
    std::chrono::steady_clock::time_point deadline, NamespaceCounts* counts) {
  std::vector<std::vector<AgentSocket>> tables;
  tables.push_back(std::move(agents));
  std::size_t read = 1;
  const auto denied = connector.List(
      deadline, [&](NetworkNamespace network_namespace, int table) {
        ++read;
        std::vector<AgentSocket> sockets =
            ParseSocketTable(ReadDescriptor(table, kMaxTableBytes)).agents;
        if (sockets.empty()) return;
        for (AgentSocket& socket : sockets) {
          socket.network_namespace = network_namespace;
        }
        tables.push_back(std::move(sockets));
      });
  const std::size_t before = counts->read + counts->denied;
  counts->read = read;
  counts->denied = denied.value_or(before > read ? before - read : 0);
  return Join(std::move(tables));
}

void OrderForConnecting(std::vector<AgentSocket>& sockets) {
  std::sort(sockets.begin(), sockets.end());
  RemoveDuplicates(sockets);
  OrderByNamespaceSize(sockets);
}

}  // namespace jemalloc_exporter
