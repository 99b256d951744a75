#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_H_

#include <cstddef>
#include <limits>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// Bytes that the longest JSON of a state takes: `{`, and for each field
/// `"key":value` and a comma or the closing brace.
inline constexpr std::size_t kMaxHeapJsonSize = [] {
  std::size_t size = 1;
  for (const HeapField& field : kHeapFields) {
    constexpr int kMaxDigits = std::numeric_limits<std::uint64_t>::digits10 + 1;
    size += field.key.size() + kMaxDigits + 4;
  }
  return size;
}();

/// `ToJson` without an allocation: writes at most `kMaxHeapJsonSize` bytes from
/// `out` on, returns the end of what it wrote. Needs nothing but libc.
char* WriteHeapJson(const HeapState& state, char* out);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_H_
