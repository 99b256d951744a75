#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "collector/text/details_json.h"
#include "collector/text/json_writer.h"
#include "exporter/agent/protocol.h"
#include "jemalloc_exporter/heap_details.h"
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

/// Bytes of the longest document of one heap with all details.
inline constexpr std::size_t kMaxDetailedDocumentSize =
    6 * kMaxCommSize + kMaxHeapObjectSize + 256 + kMaxDetailsJsonSize;
static_assert(kMaxDetailedDocumentSize <= kMaxDetailedResponseSize);

/// Writes a document, one heap after the other. In strings, U+FFFD replaces
/// bytes that are not valid UTF-8. Allocates nothing, needs libc only.
class ResponseWriter {
 public:
  /// Begins a document of `heap_count` heaps, from 1 to `kMaxHeaps`. Any bytes
  /// in `comm`, as the kernel has them; no more than `kMaxCommSize` are used.
  /// `out` has at least `kMaxDocumentSize` bytes. Further ones are for details.
  ResponseWriter(pid_t pid, std::string_view comm, std::size_t heap_count,
                 std::span<char> out);

  /// Adds the next heap. Details that do not fit are left out, which cannot
  /// happen to a single heap with `kMaxDetailedResponseSize` bytes.
  void Add(const HeapResponse& heap, const HeapDetails* details = nullptr);

  /// Ends the document; returns its end.
  char* Finish();

 private:
  void WriteDetails(const HeapDetails& details);

  char* out_;
  char* const limit_;
  const std::size_t heap_count_;
  std::size_t added_ = 0;
};

/// Writes a document without details to `out`, which has `kMaxDocumentSize`
/// bytes; returns its end.
char* EncodeResponse(const AgentResponse& response, char* out);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_ENCODER_H_
