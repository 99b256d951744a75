#include "jemalloc_exporter/heap_format.h"

#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>

#include "heap_json.h"

namespace jemalloc_exporter {
namespace {

std::string ToText(const std::optional<std::uint64_t>& value) {
  return value ? std::to_string(*value) : "(unknown)";
}

std::optional<HeapState> Reject(std::string* error, std::string why) {
  if (error != nullptr) *error = std::move(why);
  return std::nullopt;
}

// The parser's message from the place on ("line 1, column 8: ..."), without the
// text it last read: that may be long, and is not ours to repeat.
std::string SyntaxError(const nlohmann::json::parse_error& parse_error) {
  std::string_view message = parse_error.what();
  if (const auto place = message.find("line ");
      place != std::string_view::npos) {
    message.remove_prefix(place);
  }
  return std::string(message.substr(0, message.find("; last read")));
}

}  // namespace

std::string ToHuman(const HeapState& state) {
  std::string text;
  for (const HeapField& field : kHeapFields) {
    text.append(field.key).append(": ");
    text.append(ToText(state.*field.value)).append("\n");
  }
  return text;
}

std::string Diff(const HeapState& before, const HeapState& after) {
  std::string text;
  for (const HeapField& field : kHeapFields) {
    if (before.*field.value == after.*field.value) continue;
    text.append(field.key).append(": ");
    text.append(ToText(before.*field.value)).append(" → ");
    text.append(ToText(after.*field.value)).append("\n");
  }
  return text;
}

std::string ToJson(const HeapState& state) {
  char json[kMaxHeapJsonSize];
  return {json, WriteHeapJson(state, json)};
}

std::optional<HeapState> FromJson(std::string_view json,
                                  std::string* error) try {
  const auto document = nlohmann::json::parse(json);
  if (!document.is_object()) {
    return Reject(error, std::string("expected an object, found ") +
                             document.type_name());
  }
  HeapState state;
  for (const HeapField& field : kHeapFields) {
    const auto value = document.find(field.key);
    if (value == document.end()) continue;
    if (!value->is_number_unsigned()) {
      return Reject(
          error, std::string(field.key) +
                     ": expected an integer from 0 to 2^64 - 1, found " +
                     (value->is_number() ? value->dump() : value->type_name()));
    }
    state.*field.value = value->get<std::uint64_t>();
  }
  return state;
} catch (const nlohmann::json::parse_error& parse_error) {
  return Reject(error, SyntaxError(parse_error));
} catch (const nlohmann::json::out_of_range&) {
  return Reject(error, "a number is larger than any that JSON readers take");
} catch (const std::exception& exception) {
  return Reject(error, exception.what());
}

}  // namespace jemalloc_exporter
