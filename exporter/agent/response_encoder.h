#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_

#include <sys/types.h>

#include <cstddef>
#include <string_view>

#include "collector/text/json_writer.h"
#include "exporter/agent/protocol.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// The content of a response.
struct AgentResponse {
  pid_t pid = 0;
  /// Any bytes, as the kernel has them; no more than `kMaxCommSize` are used.
  std::string_view comm;
  /// Any bytes; no more than `kMaxJemallocVersionSize` are used.
  std::string_view jemalloc_version;
  HeapSnapshot heap;
};

/// Bytes of the longest document. Each byte of a string may become six
/// (`\u001f`); keys, punctuation and the pid fit in the rest.
inline constexpr std::size_t kMaxDocumentSize =
    kMaxHeapJsonSize + 6 * (kMaxCommSize + kMaxJemallocVersionSize) + 256;
static_assert(kMaxDocumentSize <= kMaxResponseSize);

/// Writes the document, at most `kMaxDocumentSize` bytes, to `out`; returns its
/// end. In strings, U+FFFD replaces bytes that are not valid UTF-8.
/// Allocates nothing, needs libc only.
char* EncodeResponse(const AgentResponse& response, char* out);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_
