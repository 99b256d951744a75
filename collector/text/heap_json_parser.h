#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_PARSER_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_PARSER_H_

#include <string>
#include <string_view>

#include "collector/text/json_sax.h"
#include "jemalloc_exporter/heap_options.h"
#include "jemalloc_exporter/heap_state.h"
#include "jemalloc_exporter/heap_statistics.h"

namespace jemalloc_exporter {

/// Stores the value at `key` of a state's JSON in `state`; an unknown key is
/// ignored. Returns the error, with the path of `event`; empty on success.
std::string ParseHeapField(std::string_view key, const JsonEvent& event,
                           HeapState& state);

/// The same of statistics, and of options.
std::string ParseStatistic(std::string_view key, const JsonEvent& event,
                           HeapStatistics& statistics);
std::string ParseOption(std::string_view key, const JsonEvent& event,
                        HeapOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_PARSER_H_
