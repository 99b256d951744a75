#include "collector/text/heap_json_reader.h"

namespace jemalloc_exporter {

std::string ReadHeapField(std::string_view key, const JsonValue& value,
                          HeapState& state) {
  for (const HeapField& field : kHeapFields) {
    if (field.key != key) continue;
    if (!value.number) {
      return std::string(key)
          .append(": expected an integer from 0 to 2^64 - 1, found ")
          .append(value.what);
    }
    state.*field.value = value.number;
  }
  return {};
}

std::string ExpectObject(const JsonValue& value) {
  if (value.what == "object") return {};
  return "expected an object, found " + std::string(value.what);
}

}  // namespace jemalloc_exporter
