#include "jemalloc_exporter/heap_report.h"

#include <charconv>
#include <cmath>
#include <exception>
#include <iterator>
#include <utility>

#include "collector/text/heap_json_parser.h"
#include "collector/text/json_sax.h"
#include "collector/text/json_writer.h"
#include "jemalloc_exporter/heap_serialization.h"

namespace jemalloc_exporter {
namespace {

void AppendKey(std::string_view key, std::string& json) {
  if (json.back() != '{') json += ',';
  json.append("\"").append(key).append("\":");
}

template <typename T>
void AppendNumber(std::string_view key, T value, std::string& json) {
  char text[32];
  AppendKey(key, json);
  json.append(text, std::to_chars(text, std::end(text), value).ptr);
}

void AppendState(std::string_view key, const HeapState& state,
                 std::string& json) {
  if (state == HeapState{}) return;
  AppendKey(key, json);
  json.append(ToJson(state));
}

std::string EntryJson(const HeapReportEntry& entry) {
  std::string json = "{";
  AppendKey("name", json);
  AppendJsonString(entry.name, json);
  AppendKey("result", json);
  AppendJsonString(entry.result, json);
  // JSON has no infinity.
  if (entry.duration_seconds && std::isfinite(*entry.duration_seconds)) {
    AppendNumber("duration_seconds", *entry.duration_seconds, json);
  }
  for (const HeapReportField& field : kHeapReportFields) {
    if (const auto& value = entry.*field.value) {
      AppendNumber(field.key, *value, json);
    }
  }
  std::string states = "{";
  AppendState("before", entry.before, states);
  AppendState("after", entry.after, states);
  if (states != "{") {
    AppendKey("heap_state", json);
    json.append(states).append("}");
  }
  return json + "}";
}

// The Parse functions return the error; empty without one. An unknown key is
// ignored.

std::string ParseNumberField(std::string_view key, const JsonEvent& event,
                             HeapReportEntry& entry) {
  for (const HeapReportField& field : kHeapReportFields) {
    if (field.key != key) continue;
    if (!event.signed_integer) {
      return TypeMismatch(event, "an integer of 64 bits");
    }
    entry.*field.value = event.signed_integer;
  }
  return {};
}

std::string ParseEntryField(std::string_view key, const JsonEvent& event,
                            HeapReportEntry& entry) {
  if (key == "name" || key == "result") {
    if (!event.text) return TypeMismatch(event, "a string");
    (key == "name" ? entry.name : entry.result) = *event.text;
  } else if (key == "duration_seconds") {
    if (!event.number) return TypeMismatch(event, "a number");
    entry.duration_seconds = event.number;
  } else if (key == "heap_state") {
    return RequireObject(event);
  }
  return ParseNumberField(key, event, entry);
}

// The entry is the object at the first `depth` elements of the path.
std::string ParseEntry(std::size_t depth, const JsonEvent& event,
                       HeapReportEntry& entry) {
  const auto& path = event.path;
  if (path.size() == depth) return RequireObject(event);
  if (path.size() == depth + 1) {
    return ParseEntryField(path.back(), event, entry);
  }
  const std::string& side = path[depth + 1];
  if (path[depth] != "heap_state" || (side != "before" && side != "after")) {
    return {};
  }
  if (path.size() == depth + 2) return RequireObject(event);
  if (path.size() > depth + 3) return {};
  return ParseHeapField(path.back(), event,
                        side == "before" ? entry.before : entry.after);
}

std::string ParseEntries(const JsonEvent& event,
                         std::vector<HeapReportEntry>& entries) {
  if (event.path.size() == 1) {
    entries.clear();
    return event.type_name == "array" ? "" : TypeMismatch(event, "an array");
  }
  if (event.path.size() == 2) entries.emplace_back();
  return ParseEntry(2, event, entries.back());
}

std::string ParseReport(const JsonEvent& event, HeapReport& report) {
  const auto& path = event.path;
  if (path.empty()) return RequireObject(event);
  if (path.front() == "run") return ParseEntry(1, event, report.run);
  if (path.front() == "entries") return ParseEntries(event, report.entries);
  if (path.front() == "entries_evicted" && path.size() == 1) {
    if (!event.unsigned_integer) {
      return TypeMismatch(event, "an integer of at least 0");
    }
    report.entries_evicted = *event.unsigned_integer;
  }
  return {};
}

}  // namespace

std::string ToJson(const HeapReport& report) {
  std::string json =
      "{\"run\":" + EntryJson(report.run) +
      ",\n\"entries_evicted\":" + std::to_string(report.entries_evicted) +
      ",\n\"entries\":[";
  const char* separator = "\n";
  for (const HeapReportEntry& entry : report.entries) {
    json.append(std::exchange(separator, ",\n")).append(EntryJson(entry));
  }
  return json + "\n]}\n";
}

bool IsHeapReport(std::string_view json) try {
  bool is_report = false;
  std::string ignored;
  ParseJson(
      json,
      [&](const JsonEvent& event) {
        is_report = event.path.size() == 1 && event.path.front() == "run";
        return !is_report;
      },
      &ignored);
  return is_report;
} catch (const std::exception&) {
  return false;
}

std::optional<HeapReport> ParseHeapReport(std::string_view json,
                                          std::string* error) try {
  HeapReport report;
  bool has_run = false;
  std::string why;
  const auto on_event = [&](const JsonEvent& event) {
    why = ParseReport(event, report);
    has_run |= event.path.size() == 1 && event.path.front() == "run";
    return why.empty();
  };
  const bool parsed = ParseJson(json, on_event, &why);
  if (parsed && has_run) return report;
  if (parsed) why = "run: missing: not a report";
  if (error != nullptr) *error = std::move(why);
  return std::nullopt;
} catch (const std::exception& exception) {
  if (error != nullptr) *error = exception.what();
  return std::nullopt;
}

}  // namespace jemalloc_exporter
