#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_RESPONSE_PARSER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_RESPONSE_PARSER_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/process/process.h"
#include "jemalloc_exporter/heap_details.h"
#include "jemalloc_exporter/heap_options.h"
#include "jemalloc_exporter/heap_state.h"
#include "jemalloc_exporter/heap_statistics.h"

namespace jemalloc_exporter {

/// The contents of an agent's document. Strings are sanitized, see
/// `SanitizeLabel`.
struct ParsedResponse {
  pid_t pid = 0;
  std::string comm;
  std::string jemalloc_version;
  bool used = false;
  /// Empty unless `used`.
  HeapState heap_state;
  HeapStatistics statistics;
  HeapOptions options;
  /// Empty unless the document has two or more, then at most `kMaxHeaps`.
  std::vector<ProcessHeap> heaps;
  /// Null with several heaps, of which each has its own, and unless `used`.
  std::shared_ptr<const HeapDetails> details;
};

/// Parses a document from an untrusted source, of at most `kMaxResponseSize`
/// bytes, or `kMaxDetailedResponseSize` where details were `requested`. Every
/// key of `protocol.h` is required with a value of its type, but for
/// `kHeapsKey`, `kStatisticsKey` and `kOptionsKey`; unknown keys are ignored,
/// and so are invalid details, and those that were not requested. Two heaps
/// with the same prefix are an error. Absent for any other document. Never
/// throws.
std::optional<ParsedResponse> ParseResponse(std::string_view document,
                                            HeapDetailSets requested = {});

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_RESPONSE_PARSER_H_
