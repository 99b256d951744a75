#include "exporter/agent/response_encoder.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace jemalloc_exporter {
namespace {

char* Copy(std::string_view text, char* out) {
  return std::copy(text.begin(), text.end(), out);
}

// Not substr(), which would need libstdc++ for its exception.
std::string_view Start(std::string_view text, std::size_t size) {
  return {text.data(), std::min(text.size(), size)};
}

char* WriteKey(std::string_view key, char* out) {
  return Copy("\":", Copy(key, Copy("\"", out)));
}

char* WriteNumber(int value, char* out) {
  return std::to_chars(out, out + std::numeric_limits<int>::digits10 + 2, value)
      .ptr;
}

// The members of an object, without its braces.
char* WriteHeap(const HeapResponse& response, char* out) {
  out =
      WriteJsonString(Start(response.jemalloc_version, kMaxJemallocVersionSize),
                      WriteKey(kJemallocVersionKey, out));
  out = WriteJsonString(response.heap.used ? kUsed : kUnused,
                        WriteKey(kStateKey, Copy(",", out)));
  return WriteHeapJson(response.heap.visible_state(),
                       WriteKey(kHeapStateKey, Copy(",", out)));
}

char* WriteHeaps(std::span<const HeapResponse> heaps, char* out) {
  out = Copy("[", WriteKey(kHeapsKey, out));
  std::string_view separator;
  for (const HeapResponse& heap : heaps) {
    out = WriteKey(kPrefixKey, Copy("{", Copy(separator, out)));
    out = WriteJsonString(Start(heap.prefix, kMaxPrefixSize), out);
    out = Copy("}", WriteHeap(heap, Copy(",", out)));
    separator = ",";
  }
  return Copy("]", out);
}

}  // namespace

char* EncodeResponse(const AgentResponse& response, char* out) {
  out = WriteNumber(kAgentVersion, WriteKey(kAgentKey, Copy("{", out)));
  out = WriteNumber(response.pid, WriteKey(kPidKey, Copy(",", out)));
  out = WriteJsonString(Start(response.comm, kMaxCommSize),
                        WriteKey(kCommKey, Copy(",", out)));
  out = WriteHeap(response.heaps.front(), Copy(",", out));
  if (response.heaps.size() > 1) {
    out = WriteHeaps(response.heaps, Copy(",", out));
  }
  return Copy("}", out);
}

}  // namespace jemalloc_exporter
