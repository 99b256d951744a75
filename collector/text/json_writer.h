#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_WRITER_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_WRITER_H_

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

// The Write functions allocate nothing and call nothing outside libc: the agent
// links them.

/// Maximum size of a state's JSON in bytes: `{`, and for each field
/// `"key":value` and a comma or the closing brace.
inline constexpr std::size_t kMaxHeapJsonSize = [] {
  std::size_t size = 1;
  for (const HeapField& field : kHeapFields) {
    constexpr int kMaxDigits = std::numeric_limits<std::uint64_t>::digits10 + 1;
    size += field.key.size() + kMaxDigits + 4;
  }
  return size;
}();

/// Writes `ToJson(state)`, at most `kMaxHeapJsonSize` bytes, to `out`; returns
/// the end.
char* WriteHeapJson(const HeapState& state, char* out);

/// Maximum size in bytes of a JSON string of `size` bytes: each may become
/// `\u001f`.
constexpr std::size_t MaxJsonStringSize(std::size_t size) {
  return 6 * size + 2;
}

/// Writes `bytes` as a JSON string, ill-formed UTF-8 replaced by U+FFFD, at
/// most `MaxJsonStringSize(bytes.size())` bytes, to `out`; returns the end.
char* WriteJsonString(std::string_view bytes, char* out);

/// Appends what `WriteJsonString` writes.
inline void AppendJsonString(std::string_view bytes, std::string& out) {
  const std::size_t start = out.size();
  out.resize(start + MaxJsonStringSize(bytes.size()));
  const char* const end = WriteJsonString(bytes, out.data() + start);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_WRITER_H_
