#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "collector/text/json_writer.h"
#include "exporter/agent/protocol.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// A heap of the host. Strings of any bytes, of which no more than their
/// maximum is used: `kMaxPrefixSize`, `kMaxJemallocVersionSize`.
struct HeapResponse {
  std::string_view prefix;
  std::string_view jemalloc_version;
  HeapSnapshot heap;
};

/// The content of a response.
struct AgentResponse {
  pid_t pid = 0;
  /// Any bytes, as the kernel has them; no more than `kMaxCommSize` are used.
  std::string_view comm;
  /// From 1 to `kMaxHeaps`.
  std::span<const HeapResponse> heaps;
};

/// Bytes of the longest object with a heap, and of the longest document. Each
/// byte of a string may become six (`\u001f`); keys, punctuation and the pid
/// fit in the rest. The first heap is written twice.
inline constexpr std::size_t kMaxHeapObjectSize =
    kMaxHeapJsonSize + 6 * (kMaxPrefixSize + kMaxJemallocVersionSize) + 128;
inline constexpr std::size_t kMaxDocumentSize =
    6 * kMaxCommSize + (1 + kMaxHeaps) * kMaxHeapObjectSize + 256;
static_assert(kMaxDocumentSize <= kMaxResponseSize);

/// Writes the document, at most `kMaxDocumentSize` bytes, to `out`; returns its
/// end. In strings, U+FFFD replaces bytes that are not valid UTF-8.
/// Allocates nothing, needs libc only.
char* EncodeResponse(const AgentResponse& response, char* out);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_
