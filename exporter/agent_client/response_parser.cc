#include "exporter/agent_client/response_parser.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <span>
#include <utility>

#include "collector/text/heap_json_parser.h"
#include "collector/text/json_sax.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent_client/details_parser.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

// The values of one heap parsed so far.
struct HeapFields {
  explicit HeapFields(HeapDetailSets requested) : details(requested) {}

  bool heap_state = false;
  std::optional<std::string> prefix;
  std::optional<std::string> jemalloc_version;
  std::optional<bool> used;
  HeapState heap;
  HeapStatistics statistics;
  HeapOptions options;
  DetailsParser details;
};

// The values parsed so far. The first heap is also in the document itself.
struct ParsedFields {
  explicit ParsedFields(HeapDetailSets requested_sets)
      : requested(requested_sets), first_heap(requested) {}

  HeapDetailSets requested;
  bool version = false;
  std::optional<pid_t> pid;
  std::optional<std::string> comm;
  HeapFields first_heap;
  std::vector<HeapFields> heaps;
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

// Parses a key of a heap; unknown keys are ignored. False ends the parsing.
bool ParseHeapKey(const std::string& key, const JsonEvent& event,
                  HeapFields& fields) {
  if (key == kPrefixKey) fields.prefix = ToLabel(event, kMaxPrefixSize);
  if (key == kJemallocVersionKey) {
    fields.jemalloc_version = ToLabel(event, kMaxJemallocVersionSize);
  }
  if (key == kStateKey) fields.used = ToUsed(event);
  if (key == kHeapStateKey) {
    fields.heap_state = event.type_name == "object";
    fields.heap = {};
  }
  if (key == kStatisticsKey) fields.statistics = {};
  if (key == kOptionsKey) fields.options = {};
  const bool is_object = key == kStatisticsKey || key == kOptionsKey;
  return !is_object || event.type_name == "object";
}

// Parses a value in an object of a heap. False ends the parsing.
bool ParseHeapValue(const std::string& object, const JsonEvent& event,
                    HeapFields& fields) {
  const std::string& key = event.path.back();
  if (object == kHeapStateKey) {
    return ParseHeapField(key, event, fields.heap).empty();
  }
  if (object == kStatisticsKey) {
    return ParseStatistic(key, event, fields.statistics).empty();
  }
  return object != kOptionsKey ||
         ParseOption(key, event, fields.options).empty();
}

// Parses the value of a top-level key; unknown keys are ignored. False ends the
// parsing.
bool ParseKey(const std::string& key, const JsonEvent& event,
              ParsedFields& fields) {
  if (key == kAgentKey)
    fields.version = event.unsigned_integer == kAgentVersion;
  if (key == kPidKey) fields.pid = ToPid(event);
  if (key == kCommKey) fields.comm = ToLabel(event, kMaxCommSize);
  return ParseHeapKey(key, event, fields.first_heap);
}

// The path begins with `kHeapsKey`. False ends the parsing.
bool HandleHeaps(const JsonEvent& event, HeapDetailSets requested,
                 std::vector<HeapFields>& heaps) {
  constexpr std::size_t kHeapDepth = 2;  // Of the path of a heap's object.
  const auto& path = event.path;
  if (path.size() > kHeapDepth) {
    heaps.back().details.Handle(std::span(path).subspan(kHeapDepth), event);
  }
  switch (path.size()) {
    case 1:
      heaps.clear();
      return event.type_name == "array";
    case 2:
      heaps.emplace_back(requested);
      return event.type_name == "object" && heaps.size() <= kMaxHeaps;
    case 3:
      return ParseHeapKey(path.back(), event, heaps.back());
    case 4:
      return ParseHeapValue(path[2], event, heaps.back());
    default:
      return true;
  }
}

bool HandleEvent(const JsonEvent& event, ParsedFields& fields) {
  const auto& path = event.path;
  if (path.empty()) return RequireObject(event).empty();
  if (path.front() == kHeapsKey) {
    return HandleHeaps(event, fields.requested, fields.heaps);
  }
  fields.first_heap.details.Handle(path, event);
  if (path.size() == 1) return ParseKey(path.front(), event, fields);
  return path.size() > 2 ||
         ParseHeapValue(path.front(), event, fields.first_heap);
}

bool HasPrefix(const std::vector<ProcessHeap>& heaps,
               const std::string& prefix) {
  return std::any_of(heaps.begin(), heaps.end(), [&](const ProcessHeap& heap) {
    return heap.prefix == prefix;
  });
}

// Absent if one of them is incomplete, or has the prefix of another.
std::optional<std::vector<ProcessHeap>> ToHeaps(
    std::vector<HeapFields> parsed) {
  std::vector<ProcessHeap> heaps;
  for (HeapFields& fields : parsed) {
    if (!fields.heap_state || !fields.prefix || !fields.jemalloc_version ||
        !fields.used || HasPrefix(heaps, *fields.prefix)) {
      return std::nullopt;
    }
    heaps.push_back(
        {.prefix = *std::move(fields.prefix),
         .jemalloc_version = *std::move(fields.jemalloc_version),
         .used = *fields.used,
         .heap_state = *fields.used ? fields.heap : HeapState{},
         .statistics = *fields.used ? fields.statistics : HeapStatistics{},
         .options = *fields.used ? fields.options : HeapOptions{},
         .details = *fields.used ? fields.details.Finish() : nullptr});
  }
  if (heaps.size() < 2) heaps.clear();
  return heaps;
}

}  // namespace

std::optional<ParsedResponse> ParseResponse(std::string_view document,
                                            HeapDetailSets requested) try {
  const std::size_t max_size =
      requested.any() ? kMaxDetailedResponseSize : kMaxResponseSize;
  if (document.size() > max_size) return std::nullopt;
  ParsedFields fields(requested);
  std::string ignored;
  const bool read = ParseJson(
      document,
      [&](const JsonEvent& event) { return HandleEvent(event, fields); },
      &ignored);
  HeapFields& heap = fields.first_heap;
  if (!read || !fields.version || !fields.pid || !fields.comm ||
      !heap.jemalloc_version || !heap.used || !heap.heap_state) {
    return std::nullopt;
  }
  auto heaps = ToHeaps(std::move(fields.heaps));
  if (!heaps) return std::nullopt;
  const bool has_details = *heap.used && heaps->empty();
  return ParsedResponse{
      .pid = *fields.pid,
      .comm = *std::move(fields.comm),
      .jemalloc_version = *std::move(heap.jemalloc_version),
      .used = *heap.used,
      .heap_state = *heap.used ? heap.heap : HeapState{},
      .statistics = *heap.used ? heap.statistics : HeapStatistics{},
      .options = *heap.used ? heap.options : HeapOptions{},
      .heaps = *std::move(heaps),
      .details = has_details ? heap.details.Finish() : nullptr,
  };
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace jemalloc_exporter
