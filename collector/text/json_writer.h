#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_WRITER_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "jemalloc_exporter/heap_options.h"
#include "jemalloc_exporter/heap_state.h"
#include "jemalloc_exporter/heap_statistics.h"

namespace jemalloc_exporter {

// The Write functions allocate nothing and call nothing outside libc: the agent
// links them.

/// Maximum size in bytes of an object with the keys of `rows` and integers:
/// `{`, and for each row `"key":value` and a comma or the closing brace.
template <typename Rows>
constexpr std::size_t MaxNumbersJsonSize(const Rows& rows) {
  std::size_t size = 1;
  for (const auto& row : rows) {
    constexpr int kMaxDigits = std::numeric_limits<std::uint64_t>::digits10 + 1;
    size += row.key.size() + kMaxDigits + 4;
  }
  return size;
}

inline constexpr std::size_t kMaxHeapJsonSize = MaxNumbersJsonSize(kHeapFields);
inline constexpr std::size_t kMaxStatisticsJsonSize =
    MaxNumbersJsonSize(kHeapStatistics);

/// The same of options, whose values are strings without escapes.
inline constexpr std::size_t kMaxOptionsJsonSize = [] {
  std::size_t size = 1;
  for (const HeapOption& option : kHeapOptions) {
    size += option.label.size() + HeapOptionValue::kMaxSize + 6;
  }
  return size;
}();

/// Writes `ToJson(state)`, at most `kMaxHeapJsonSize` bytes, to `out`; returns
/// the end.
char* WriteHeapJson(const HeapState& state, char* out);

/// Writes `ToJson(statistics)`, at most `kMaxStatisticsJsonSize` bytes.
char* WriteStatisticsJson(const HeapStatistics& statistics, char* out);

/// Writes `ToJson(options)`, at most `kMaxOptionsJsonSize` bytes.
char* WriteOptionsJson(const HeapOptions& options, char* out);

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
