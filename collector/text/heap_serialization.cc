#include "jemalloc_exporter/heap_serialization.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include "collector/text/heap_json_parser.h"
#include "collector/text/json_sax.h"
#include "collector/text/json_writer.h"

namespace jemalloc_exporter {
namespace {

std::string ValueText(const std::optional<std::uint64_t>& value) {
  return value ? std::to_string(*value) : "(unknown)";
}

void AppendChange(std::string_view key,
                  const std::optional<std::uint64_t>& before,
                  const std::optional<std::uint64_t>& after,
                  std::string& text) {
  if (before == after) return;
  text.append(key).append(": ");
  text.append(ValueText(before)).append(" → ");
  text.append(ValueText(after)).append("\n");
}

template <auto Write, std::size_t kMaxSize, typename Values>
std::string Json(const Values& values) {
  char json[kMaxSize];
  return {json, Write(values, json)};
}

// Adds a member to an object.
void AppendMember(std::string_view key, const std::string& value,
                  std::string& json) {
  json.pop_back();
  if (json.size() > 1) json += ',';
  json.append("\"").append(key).append("\":").append(value).append("}");
}

// Parses one object: `parse` returns the error for a value in it.
template <typename Parse>
bool ParseObject(std::string_view json, std::string* error,
                 const Parse& parse) try {
  std::string why;
  const auto on_event = [&](const JsonEvent& event) {
    why = event.path.empty() ? RequireObject(event) : parse(event);
    return why.empty();
  };
  if (ParseJson(json, on_event, &why)) return true;
  if (error != nullptr) *error = std::move(why);
  return false;
} catch (const std::exception& exception) {
  if (error != nullptr) *error = exception.what();
  return false;
}

constexpr std::string_view kStatistics = "statistics";
constexpr std::string_view kOptions = "options";

std::string ParseSnapshotValue(const JsonEvent& event, HeapSnapshot& snapshot) {
  const auto& path = event.path;
  const std::string& key = path.back();
  if (path.size() == 1) {
    if (key == kStatistics || key == kOptions) return RequireObject(event);
    return ParseHeapField(key, event, snapshot.state);
  }
  if (path.size() > 2) return {};
  if (path.front() == kStatistics) {
    return ParseStatistic(key, event, snapshot.statistics);
  }
  if (path.front() == kOptions) {
    return ParseOption(key, event, snapshot.options);
  }
  return {};
}

}  // namespace

std::string ToText(const HeapState& state) {
  std::string text;
  for (const HeapField& field : kHeapFields) {
    text.append(field.key).append(": ");
    text.append(ValueText(state.*field.value)).append("\n");
  }
  return text;
}

std::string Diff(const HeapState& before, const HeapState& after) {
  std::string text;
  for (const HeapField& field : kHeapFields) {
    AppendChange(field.key, before.*field.value, after.*field.value, text);
  }
  return text;
}

std::string ToJson(const HeapState& state) {
  return Json<WriteHeapJson, kMaxHeapJsonSize>(state);
}

std::optional<HeapState> FromJson(std::string_view json, std::string* error) {
  HeapState state;
  const bool parsed = ParseObject(json, error, [&](const JsonEvent& event) {
    return event.path.size() == 1
               ? ParseHeapField(event.path.front(), event, state)
               : "";
  });
  if (!parsed) return std::nullopt;
  return state;
}

std::string ToText(const HeapSnapshot& snapshot) {
  std::string text = ToText(snapshot.visible_state());
  const HeapStatistics statistics = snapshot.visible_statistics();
  const HeapOptions options = snapshot.visible_options();
  if (statistics != HeapStatistics{} || !options.empty()) text += '\n';
  for (const HeapStatistic& row : kHeapStatistics) {
    const auto& value = statistics.*row.value;
    if (!value) continue;
    text.append(row.key).append(": ").append(ValueText(value)).append("\n");
  }
  if (options.empty()) return text;
  text += "options:";
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    if (options.values[i].empty()) continue;
    text.append(" ").append(kHeapOptions[i].label).append("=");
    text.append(options.values[i].view());
  }
  return text + "\n";
}

std::string ToJson(const HeapSnapshot& snapshot) {
  std::string json = ToJson(snapshot.visible_state());
  const HeapStatistics statistics = snapshot.visible_statistics();
  if (statistics != HeapStatistics{}) {
    AppendMember(kStatistics,
                 Json<WriteStatisticsJson, kMaxStatisticsJsonSize>(statistics),
                 json);
  }
  const HeapOptions options = snapshot.visible_options();
  if (!options.empty()) {
    AppendMember(kOptions, Json<WriteOptionsJson, kMaxOptionsJsonSize>(options),
                 json);
  }
  return json;
}

std::optional<HeapSnapshot> ParseHeapSnapshot(std::string_view json,
                                              std::string* error) {
  HeapSnapshot snapshot;
  const bool parsed = ParseObject(json, error, [&](const JsonEvent& event) {
    return ParseSnapshotValue(event, snapshot);
  });
  if (!parsed) return std::nullopt;
  return snapshot;
}

std::string Diff(const HeapSnapshot& before, const HeapSnapshot& after) {
  std::string text = Diff(before.visible_state(), after.visible_state());
  for (const HeapStatistic& row : kHeapStatistics) {
    const auto& old_value = before.statistics.*row.value;
    const auto& new_value = after.statistics.*row.value;
    if (!old_value || !new_value) continue;
    if (row.value == &HeapStatistics::refresh_nanoseconds) continue;
    AppendChange(row.key, old_value, new_value, text);
  }
  return text;
}

}  // namespace jemalloc_exporter
