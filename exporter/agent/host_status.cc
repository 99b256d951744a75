#include "exporter/agent/host_status.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kLastKey = "\nSeccomp_filters:\t";

// The rest of `text` behind `key`, empty where the key is absent. `key` starts
// with the newline before the line.
std::string_view After(std::string_view text, std::string_view key) {
  const auto found = text.find(key);
  if (found == std::string_view::npos) return {};
  text.remove_prefix(found + key.size());
  return text;
}

template <typename T>
void Parse(std::string_view text, int base, T* value) {
  std::from_chars(text.data(), text.data() + text.size(), *value, base);
}

// Numbers with tabs between them.
void ParseIds(std::string_view text, unsigned (&ids)[3]) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (unsigned& id : ids) {
    at = std::from_chars(at, end, id).ptr;
    if (at < end) ++at;
  }
}

// The kernel writes a newline in a name as `\n`, and a backslash doubled.
void ParseName(std::string_view text, HostStatus* status) {
  const auto end = std::min(text.find('\n'), text.size());
  for (std::size_t i = 0; i < end && status->name_size < kMaxCommSize; ++i) {
    char byte = text[i];
    if (byte == '\\' && i + 1 < end) {
      ++i;
      byte = text[i] == 'n' ? '\n' : text[i];
    }
    status->name_bytes[status->name_size++] = byte;
  }
}

}  // namespace

HostStatus ParseHostStatus(std::string_view text) {
  HostStatus status;
  constexpr std::string_view kName = "Name:\t";
  if (text.starts_with(kName)) {
    text.remove_prefix(kName.size());
    ParseName(text, &status);
  }
  status.is_zombie = After(text, "\nState:\t").starts_with('Z');
  ParseIds(After(text, "\nUid:\t"), status.uids);
  ParseIds(After(text, "\nGid:\t"), status.gids);
  Parse(After(text, "\nThreads:\t"), 10, &status.threads);
  Parse(After(text, "\nCapPrm:\t"), 16, &status.permitted);
  Parse(After(text, kLastKey), 10, &status.seccomp_filters);
  if (status.seccomp_filters == HostStatus::kUnknown &&
      After(text, "\nSeccomp:\t").starts_with('0')) {
    status.seccomp_filters = 0;
  }
  return status;
}

// The line of a user's groups precedes the last key and can take kilobytes.
HostStatus ReadHostStatus(int file) {
  constexpr std::size_t kMaxSize = std::size_t{16} * 1024;
  char buffer[kMaxSize];
  std::size_t size = 0;
  while (size < kMaxSize) {
    const ssize_t bytes =
        SystemCall(SYS_read, file, buffer + size, kMaxSize - size);
    if (bytes <= 0) break;
    size += static_cast<std::size_t>(bytes);
    if (After({buffer, size}, kLastKey).find('\n') != std::string_view::npos) {
      break;
    }
  }
  return ParseHostStatus({buffer, size});
}

}  // namespace jemalloc_exporter
