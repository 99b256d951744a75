#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_ANSWER_WRITER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_ANSWER_WRITER_H_

#include <sys/types.h>

#include <cstddef>
#include <string_view>

#include "collector/text/json_writer.h"
#include "exporter/agent/wire.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// What an agent says of its host.
struct Answer {
  pid_t pid = 0;
  /// Any bytes, as the kernel has them; no more than `kMaxCommSize` are used.
  std::string_view comm;
  /// Any bytes; no more than `kMaxJemallocVersionSize` are used.
  std::string_view jemalloc_version;
  HeapSnapshot heap;
};

/// Bytes that the longest document takes: each byte of a string may become six
/// (`\u001f`), and keys, punctuation and the pid fit in the rest.
inline constexpr std::size_t kMaxDocumentSize =
    kMaxHeapJsonSize + 6 * (kMaxCommSize + kMaxJemallocVersionSize) + 256;
static_assert(kMaxDocumentSize <= kMaxAnswerSize);

/// Writes the document, at most `kMaxDocumentSize` bytes from `out` on; returns
/// its end. Strings become valid UTF-8: U+FFFD for what is not.
/// Allocates nothing, needs nothing but libc.
char* WriteAnswer(const Answer& answer, char* out);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_ANSWER_WRITER_H_
