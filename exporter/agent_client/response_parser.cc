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

// Parses a key of a heap; unknown keys are ignored.
void ParseHeapKey(const std::string& key, const JsonEvent& event,
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
}

// Parses the value of a top-level key; unknown keys are ignored.
void ParseKey(const std::string& key, const JsonEvent& event,
              ParsedFields& fields) {
  if (key == kAgentKey)
    fields.version = event.unsigned_integer == kAgentVersion;
  if (key == kPidKey) fields.pid = ToPid(event);
  if (key == kCommKey) fields.comm = ToLabel(event, kMaxCommSize);
  ParseHeapKey(key, event, fields.first_heap);
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
      ParseHeapKey(path.back(), event, heaps.back());
      return true;
    case 4:
      return path[2] != kHeapStateKey ||
             ParseHeapField(path.back(), event, heaps.back().heap).empty();
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
  if (path.size() == 1) ParseKey(path.front(), event, fields);
  if (path.size() == 2 && path.front() == kHeapStateKey) {
    return ParseHeapField(path.back(), event, fields.first_heap.heap).empty();
  }
  return true;
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
      .heaps = *std::move(heaps),
      .details = has_details ? heap.details.Finish() : nullptr,
  };
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace jemalloc_exporter
