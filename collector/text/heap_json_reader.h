#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_READER_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_READER_H_

#include <string>
#include <string_view>

#include "collector/text/json_values.h"
#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// Takes the value at `key` of a state's JSON into `state`; an unknown key is
/// nothing. Returns what is wrong with it, beginning with the key; empty if
/// nothing is.
std::string ReadHeapField(std::string_view key, const JsonValue& value,
                          HeapState& state);

/// Returns what is wrong with a value that should be an object.
std::string ExpectObject(const JsonValue& value);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_HEAP_JSON_READER_H_
