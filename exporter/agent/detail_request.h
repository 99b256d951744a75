#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_DETAIL_REQUEST_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_DETAIL_REQUEST_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "jemalloc_exporter/heap_details.h"

/// A request for sets of details: the abstract name of the client's socket,
///
///     jemalloc_exporter_ask/1/bins,locks/0123456789abcdef
///
/// with a version, the sets, and a random number that makes it unique. accept4
/// returns it to the agent, which reads nothing from the connection and waits
/// for nothing. An agent without details ignores the name. Without a name, and
/// with any other, the response has no details.
namespace jemalloc_exporter {

/// Not the prefix of an agent's socket, by which clients find agents.
inline constexpr std::string_view kRequestPrefix = "jemalloc_exporter_ask/1/";

struct DetailWord {
  std::string_view word;
  bool HeapDetailSets::*set;
};

inline constexpr DetailWord kDetailWords[] = {
    {"bins", &HeapDetailSets::bins},       {"sizes", &HeapDetailSets::sizes},
    {"locks", &HeapDetailSets::locks},     {"arenas", &HeapDetailSets::arenas},
    {"extents", &HeapDetailSets::extents},
};

/// Parses a client's name, without the NUL of abstract names. It may have any
/// bytes. Unknown and empty words are ignored.
constexpr HeapDetailSets ParseDetailRequest(std::string_view name) {
  HeapDetailSets sets;
  if (!name.starts_with(kRequestPrefix)) return sets;
  name.remove_prefix(kRequestPrefix.size());
  const std::size_t end = name.find('/');
  if (end == std::string_view::npos) return sets;
  const char* at = name.data();
  const char* const limit = at + end;
  while (at < limit) {
    const char* const comma = std::find(at, limit, ',');
    for (const DetailWord& row : kDetailWords) {
      if (row.word ==
          std::string_view(at, static_cast<std::size_t>(comma - at))) {
        sets.*row.set = true;
      }
    }
    at = comma == limit ? limit : comma + 1;
  }
  return sets;
}

/// The same of the address that accept4(2) returned, and its size, which may
/// exceed the buffer.
inline HeapDetailSets ParseDetailRequest(const sockaddr_un& address,
                                         socklen_t size) {
  constexpr std::size_t kStart = offsetof(sockaddr_un, sun_path) + 1;
  if (size <= kStart || size > sizeof(address) ||
      address.sun_family != AF_UNIX || address.sun_path[0] != '\0') {
    return {};
  }
  return ParseDetailRequest({address.sun_path + 1, size - kStart});
}

/// Writes the address of a socket that requests `sets`; returns its size for
/// bind(2).
inline socklen_t WriteDetailRequest(HeapDetailSets sets, std::uint64_t random,
                                    sockaddr_un* address) {
  *address = {};
  address->sun_family = AF_UNIX;
  char* end = std::copy(kRequestPrefix.begin(), kRequestPrefix.end(),
                        address->sun_path + 1);
  bool is_first = true;
  for (const DetailWord& row : kDetailWords) {
    if (!(sets.*row.set)) continue;
    if (!is_first) *end++ = ',';
    end = std::copy(row.word.begin(), row.word.end(), end);
    is_first = false;
  }
  *end++ = '/';
  constexpr int kBits = 64;
  for (int shift = kBits - 4; shift >= 0; shift -= 4) {
    *end++ = "0123456789abcdef"[(random >> shift) & 0xF];
  }
  return static_cast<socklen_t>(end - reinterpret_cast<char*>(address));
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_DETAIL_REQUEST_H_
