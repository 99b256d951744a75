#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_VALUES_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_VALUES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// One value of a JSON document.
struct JsonValue {
  /// Below which keys it stands; empty for the whole document. What is in an
  /// array has no place of its own, and is not told.
  const std::vector<std::string>& place;
  /// What it is, for a person: a number as it is written, or `string`,
  /// `boolean`, `null`, `object`, `array`.
  std::string_view what;
  /// Present if it is an integer from 0 to 2^64 - 1; a string.
  std::optional<std::uint64_t> number = {};
  std::optional<std::string_view> text = {};
};

/// Reads a JSON document (RFC 8259) value by value, each object and array
/// before what is in it. Stops when `take` returns false; `take` explains
/// itself. Returns whether the document was read to its end, and puts what is
/// wrong with its syntax, in one line, into `error`.
///
/// Keeps no document: nlohmann's own takes memory to be destroyed, and ends the
/// process where there is none. Throws std::bad_alloc.
bool ReadJsonValues(std::string_view json,
                    const std::function<bool(const JsonValue&)>& take,
                    std::string* error);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_VALUES_H_
