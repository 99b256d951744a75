#include "exporter/agent_client/answer_parser.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>

#include "collector/text/heap_json_reader.h"
#include "collector/text/json_values.h"
#include "exporter/agent/wire.h"
#include "exporter/text/label_text.h"

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

std::optional<pid_t> ToPid(const JsonValue& value) {
  const std::uint64_t pid = value.number.value_or(0);
  if (pid == 0 || pid > std::numeric_limits<pid_t>::max()) return std::nullopt;
  return static_cast<pid_t>(pid);
}

std::optional<std::string> ToLabel(const JsonValue& value, std::size_t size) {
  if (!value.text) return std::nullopt;
  return LabelText(*value.text, size);
}

std::optional<bool> ToUsed(const JsonValue& value) {
  if (value.text == kUsed) return true;
  if (value.text == kUnused) return false;
  return std::nullopt;
}

// Takes the value of a key of the document; an unknown key is nothing.
void TakeKey(const std::string& key, const JsonValue& value, Seen& seen) {
  if (key == kAgentKey) seen.version = value.number == kAgentVersion;
  if (key == kPidKey) seen.pid = ToPid(value);
  if (key == kCommKey) seen.comm = ToLabel(value, kMaxCommSize);
  if (key == kJemallocVersionKey) {
    seen.jemalloc_version = ToLabel(value, kMaxJemallocVersionSize);
  }
  if (key == kStateKey) seen.used = ToUsed(value);
  if (key == kHeapStateKey) {
    seen.heap_state = value.what == "object";
    seen.heap = {};
  }
}

bool Take(const JsonValue& value, Seen& seen) {
  const auto& place = value.place;
  if (place.empty()) return ExpectObject(value).empty();
  if (place.size() == 1) TakeKey(place.front(), value, seen);
  if (place.size() == 2 && place.front() == kHeapStateKey) {
    return ReadHeapField(place.back(), value, seen.heap).empty();
  }
  return true;
}

}  // namespace

std::optional<ParsedAnswer> ParseAnswer(std::string_view document) try {
  if (document.size() > kMaxAnswerSize) return std::nullopt;
  Seen seen;
  std::string ignored;
  const bool read = ReadJsonValues(
      document, [&](const JsonValue& value) { return Take(value, seen); },
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
