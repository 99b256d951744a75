#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_RESPONSE_PARSER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_RESPONSE_PARSER_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/process/process.h"
#include "jemalloc_exporter/heap_state.h"

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
  /// Empty unless the document has two or more, then at most `kMaxHeaps`.
  std::vector<ProcessHeap> heaps;
};

/// Parses a document from an untrusted source. Every key of `protocol.h` is
/// required with a value of its type, but for `kHeapsKey`; unknown keys are
/// ignored. Two heaps with the same prefix are an error. Absent for any other
/// document. Never throws.
std::optional<ParsedResponse> ParseResponse(std::string_view document);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_RESPONSE_PARSER_H_
