#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_SAX_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_SAX_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// One value of a JSON document.
struct JsonEvent {
  /// The keys that lead to it, and `[INDEX]` for an element of an array; empty
  /// for the root.
  const std::vector<std::string>& path;
  /// `string`, `boolean`, `null`, `object` or `array`; of a number its text.
  std::string_view type_name;
  /// The value, where it is a string; an integer that fits; any number.
  std::optional<std::string_view> text = {};
  std::optional<std::uint64_t> unsigned_integer = {};
  std::optional<std::int64_t> signed_integer = {};
  std::optional<double> number = {};
};

/// Reads a JSON document (RFC 8259), each object and array before its content.
/// Stops when `on_event` returns false. Returns whether the document was read
/// to its end; assigns a syntax error to `error`, on one line.
///
/// Stores no document: the destructor of nlohmann's allocates, and terminates
/// the process when that fails. Throws std::bad_alloc.
bool ParseJson(std::string_view json,
               const std::function<bool(const JsonEvent&)>& on_event,
               std::string* error);

/// The path of `event` with the error in it, `tests[1].name: expected a string,
/// found null`; without the path for the root.
std::string TypeMismatch(const JsonEvent& event, std::string_view expected);

/// Empty if `event` is an object; else the error.
std::string RequireObject(const JsonEvent& event);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_JSON_SAX_H_
