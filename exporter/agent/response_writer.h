#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_WRITER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_WRITER_H_

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

/// Bytes of the longest object with a heap without statistics and options; the
/// same with them. Each byte of a string may become six (`\u001f`); keys,
/// punctuation and the pid fit in the rest.
inline constexpr std::size_t kMaxHeapObjectSize =
    kMaxHeapJsonSize + 6 * (kMaxPrefixSize + kMaxJemallocVersionSize) + 128;
inline constexpr std::size_t kMaxStatisticsSize =
    kMaxStatisticsJsonSize + kMaxOptionsJsonSize + 32;

/// Bytes of the longest document of one heap, and of any: that of the most
/// heaps, the first of which is written twice, has room for the statistics of
/// at least three.
inline constexpr std::size_t kMaxOneHeapSize =
    6 * kMaxCommSize + kMaxHeapObjectSize + kMaxStatisticsSize + 256;
inline constexpr std::size_t kMaxDocumentSize = kMaxResponseSize;
static_assert(kMaxOneHeapSize <= 4096);
static_assert(6 * kMaxCommSize + (1 + kMaxHeaps) * kMaxHeapObjectSize +
                  3 * kMaxStatisticsSize + 256 <=
              kMaxDocumentSize);

/// Bytes of the longest document of one heap with all details but the extents.
inline constexpr std::size_t kMaxDetailedDocumentSize =
    kMaxOneHeapSize + kMaxDetailsJsonSize;
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

  /// Adds the next heap. Statistics and details that may not fit are left out,
  /// the extents first. With `kMaxDetailedResponseSize` bytes, those of a
  /// single heap fit, but for extents of very many sizes. The statistics of
  /// `kMaxHeaps` heaps usually fit.
  void Add(const HeapResponse& heap, const HeapDetails* details = nullptr);

  /// Ends the document; returns its end.
  char* Finish();

 private:
  /// Whether `size` bytes fit, and the further heaps without statistics.
  bool Fits(std::size_t size) const;
  void WriteDetails(const HeapDetails& details);

  char* out_;
  char* const limit_;
  const std::size_t heap_count_;
  std::size_t added_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_RESPONSE_WRITER_H_
