#include "collector/text/heap_json.h"

#include <algorithm>
#include <charconv>

namespace jemalloc_exporter {

char* WriteHeapJson(const HeapState& state, char* out) {
  char* const limit = out + kMaxHeapJsonSize;
  *out++ = '{';
  char* const first = out;
  for (const HeapField& field : kHeapFields) {
    const auto& value = state.*field.value;
    if (!value) continue;
    if (out != first) *out++ = ',';
    *out++ = '"';
    out = std::copy(field.key.begin(), field.key.end(), out);
    *out++ = '"';
    *out++ = ':';
    out = std::to_chars(out, limit, *value).ptr;
  }
  *out++ = '}';
  return out;
}

}  // namespace jemalloc_exporter
