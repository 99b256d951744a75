#include "exporter/agent_client/answer_parser.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>

#include "collector/text/heap_json_parser.h"
#include "collector/text/json_sax.h"
#include "exporter/agent/wire.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

// What of a document has been seen by now.
struct Seen {
  bool version = false;
  bool heap_state = false;
  std::optional<pid_t> pid;
  std::optional<std::string> comm;
  std::optional<std::string> jemalloc_version;
  std::optional<bool> used;
  HeapState heap;
};

std::optional<pid_t> ToPid(const JsonEvent& event) {
  const std::uint64_t pid = event.unsigned_integer.value_or(0);
  if (pid == 0 || pid > std::numeric_limits<pid_t>::max()) return std::nullopt;
  return static_cast<pid_t>(pid);
}

std::optional<std::string> ToLabel(const JsonEvent& event, std::size_t size) {
  if (!event.text) return std::nullopt;
  return SanitizeLabel(*event.text, size);
}

std::optional<bool> ToUsed(const JsonEvent& event) {
  if (event.text == kUsed) return true;
  if (event.text == kUnused) return false;
  return std::nullopt;
}

// Takes the value of a key of the document; an unknown key is nothing.
void TakeKey(const std::string& key, const JsonEvent& event, Seen& seen) {
  if (key == kAgentKey) seen.version = event.unsigned_integer == kAgentVersion;
  if (key == kPidKey) seen.pid = ToPid(event);
  if (key == kCommKey) seen.comm = ToLabel(event, kMaxCommSize);
  if (key == kJemallocVersionKey) {
    seen.jemalloc_version = ToLabel(event, kMaxJemallocVersionSize);
  }
  if (key == kStateKey) seen.used = ToUsed(event);
  if (key == kHeapStateKey) {
    seen.heap_state = event.type_name == "object";
    seen.heap = {};
  }
}

bool Take(const JsonEvent& event, Seen& seen) {
  const auto& path = event.path;
  if (path.empty()) return RequireObject(event).empty();
  if (path.size() == 1) TakeKey(path.front(), event, seen);
  if (path.size() == 2 && path.front() == kHeapStateKey) {
    return ParseHeapField(path.back(), event, seen.heap).empty();
  }
  return true;
}

}  // namespace

std::optional<ParsedAnswer> ParseAnswer(std::string_view document) try {
  if (document.size() > kMaxAnswerSize) return std::nullopt;
  Seen seen;
  std::string ignored;
  const bool read = ParseJson(
      document, [&](const JsonEvent& event) { return Take(event, seen); },
      &ignored);
  if (!read || !seen.version || !seen.pid || !seen.comm ||
      !seen.jemalloc_version || !seen.used || !seen.heap_state) {
    return std::nullopt;
  }
  return ParsedAnswer{
      .pid = *seen.pid,
      .comm = *std::move(seen.comm),
      .jemalloc_version = *std::move(seen.jemalloc_version),
      .used = *seen.used,
      .heap_state = *seen.used ? seen.heap : HeapState{},
  };
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace jemalloc_exporter
