#include "jemalloc_exporter/heap_serialization.h"

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
    if (before.*field.value == after.*field.value) continue;
    text.append(field.key).append(": ");
    text.append(ValueText(before.*field.value)).append(" → ");
    text.append(ValueText(after.*field.value)).append("\n");
  }
  return text;
}

std::string ToJson(const HeapState& state) {
  char json[kMaxHeapJsonSize];
  return {json, WriteHeapJson(state, json)};
}

std::optional<HeapState> FromJson(std::string_view json,
                                  std::string* error) try {
  HeapState state;
  std::string why;
  const auto on_event = [&](const JsonEvent& event) {
    why = event.path.empty() ? RequireObject(event)
          : event.path.size() == 1
              ? ParseHeapField(event.path.front(), event, state)
              : "";
    return why.empty();
  };
  if (ParseJson(json, on_event, &why)) return state;
  if (error != nullptr) *error = std::move(why);
  return std::nullopt;
} catch (const std::exception& exception) {
  if (error != nullptr) *error = exception.what();
  return std::nullopt;
}

}  // namespace jemalloc_exporter
