#include "collector/text/heap_json_parser.h"

#include <cstddef>

namespace jemalloc_exporter {
namespace {

template <typename Rows, typename Values>
std::string ParseNumber(const Rows& rows, std::string_view key,
                        const JsonEvent& event, Values& values) {
  for (const auto& row : rows) {
    if (row.key != key) continue;
    if (!event.unsigned_integer) {
      return TypeMismatch(event, "an integer from 0 to 2^64 - 1");
    }
    values.*row.value = event.unsigned_integer;
  }
  return {};
}

}  // namespace

std::string ParseHeapField(std::string_view key, const JsonEvent& event,
                           HeapState& state) {
  return ParseNumber(kHeapFields, key, event, state);
}

std::string ParseStatistic(std::string_view key, const JsonEvent& event,
                           HeapStatistics& statistics) {
  return ParseNumber(kHeapStatistics, key, event, statistics);
}

std::string ParseOption(std::string_view key, const JsonEvent& event,
                        HeapOptions& options) {
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    if (kHeapOptions[i].label != key) continue;
    if (!event.text) return TypeMismatch(event, "a string");
    options.values[i] = HeapOptionValue(*event.text);
  }
  return {};
}

}  // namespace jemalloc_exporter
