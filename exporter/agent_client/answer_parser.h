#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_ANSWER_PARSER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_ANSWER_PARSER_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// What an agent's document says. The strings are fit to be shown: see
/// `SanitizeLabel`.
struct ParsedAnswer {
  pid_t pid = 0;
  std::string comm;
  std::string jemalloc_version;
  bool used = false;
  /// Empty unless `used`.
  HeapState heap_state;
};

/// Reads a document that anybody may have written. Every key of `wire.h` must
/// be there with a value of its type, unknown keys are ignored, and nothing is
/// returned for all else. Never throws.
std::optional<ParsedAnswer> ParseAnswer(std::string_view document);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_ANSWER_PARSER_H_
