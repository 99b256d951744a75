#include "collector/text/heap_json_parser.h"

namespace jemalloc_exporter {

std::string ParseHeapField(std::string_view key, const JsonEvent& event,
                           HeapState& state) {
  for (const HeapField& field : kHeapFields) {
    if (field.key != key) continue;
    if (!event.unsigned_integer) {
      return TypeMismatch(event, "an integer from 0 to 2^64 - 1");
    }
    state.*field.value = event.unsigned_integer;
  }
  return {};
}

}  // namespace jemalloc_exporter
