#include "exporter/agent_client/socket_list.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

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

// `path` as the table shows it, with @ for NUL.
std::optional<AgentName> ParseName(std::string_view path) {
  if (!RemovePrefix(path, "@") || !RemovePrefix(path, kSocketPrefix)) {
    return std::nullopt;
  }
  const auto pid = RemoveNumber(path);
  if (!pid) return std::nullopt;
  if (path.empty()) return AgentName{.pid = *pid};
  if (!RemovePrefix(path, ".")) return std::nullopt;
  const auto place = RemoveNumber(path);
  if (!place || *place < 2 || *place > kMaxPlace || !path.empty()) {
    return std::nullopt;
  }
  return AgentName{.pid = *pid, .place = *place};
}

// "Num: RefCount Protocol Flags Type St Inode Path": a stream socket, type 1,
// that listens, flag __SO_ACCEPTCON.
std::optional<AgentName> ParseLine(std::string_view line) {
  constexpr std::string_view kListeningStream = " 00010000 0001 ";
  const auto kind = line.find(kListeningStream);
  const auto path = line.find(" @");
  if (path == std::string_view::npos || kind > path) return std::nullopt;
  return ParseName(line.substr(path + 1));
}

}  // namespace

std::vector<AgentName> AgentsInSocketTable(std::string_view table) {
  std::vector<AgentName> names;
  while (!table.empty() && names.size() < kMaxSockets) {
    const std::string_view line = table.substr(0, table.find('\n'));
    if (const auto name = ParseLine(line)) names.push_back(*name);
    table.remove_prefix(std::min(line.size() + 1, table.size()));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::vector<AgentName> ListAgents() {
  std::ifstream file("/proc/net/unix");
  const std::string table(std::istreambuf_iterator<char>(file), {});
  return AgentsInSocketTable(table);
}

}  // namespace jemalloc_exporter
