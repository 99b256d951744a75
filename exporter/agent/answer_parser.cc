#include "agent/answer_parser.h"

#include <cstdint>
#include <exception>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/wire.h"
#include "jemalloc_exporter/heap_format.h"
#include "label_text.h"

namespace jemalloc_exporter {
namespace {

using nlohmann::json;

// The value of a key that must be there; null, which no key may have, where it
// is not.
json Value(const json& document, std::string_view key) {
  const auto value = document.find(key);
  return value != document.end() ? *value : json();
}

std::optional<pid_t> ToPid(const json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto pid = value.get<std::uint64_t>();
  if (pid == 0 || pid > std::numeric_limits<pid_t>::max()) return std::nullopt;
  return static_cast<pid_t>(pid);
}

}  // namespace

std::optional<ParsedAnswer> ParseAnswer(std::string_view document) try {
  if (document.size() > kMaxAnswerSize) return std::nullopt;
  const json answer = json::parse(document, nullptr, false);
  if (!answer.is_object()) return std::nullopt;
  const json version = Value(answer, kAgentKey);
  if (!version.is_number_unsigned() || version != kAgentVersion) {
    return std::nullopt;
  }
  const auto pid = ToPid(Value(answer, kPidKey));
  const json comm = Value(answer, kCommKey);
  const json jemalloc_version = Value(answer, kJemallocVersionKey);
  const json state = Value(answer, kStateKey);
  const auto heap_state = FromJson(Value(answer, kHeapStateKey).dump());
  if (!pid || !comm.is_string() || !jemalloc_version.is_string() ||
      (state != kUsed && state != kUnused) || !heap_state) {
    return std::nullopt;
  }
  const bool used = state == kUsed;
  return ParsedAnswer{
      .pid = *pid,
      .comm = LabelText(comm.get_ref<const std::string&>(), kMaxCommSize),
      .jemalloc_version =
          LabelText(jemalloc_version.get_ref<const std::string&>(),
                    kMaxJemallocVersionSize),
      .used = used,
      .heap_state = used ? *heap_state : HeapState{},
  };
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace jemalloc_exporter
