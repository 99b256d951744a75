#include "collector/text/json_sax.h"

#include <cstddef>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

namespace jemalloc_exporter {
namespace {

using nlohmann::json;

// The parser's message from the position on ("line 1, column 8: ..."), without
// the text that it last read: that may be long, and hostile.
std::string SyntaxError(std::string_view message) {
  const auto position = message.find("line ");
  if (position == std::string_view::npos) {
    return "a number is larger than any that JSON readers take";
  }
  message.remove_prefix(position);
  return std::string(message.substr(0, message.find("; last read")));
}

class SaxHandler final : public nlohmann::json_sax<json> {
 public:
  SaxHandler(const std::function<bool(const JsonEvent&)>& on_event,
             std::string* error)
      : on_event_(on_event), error_(error) {}

  bool null() override { return Emit({.path = path_, .type_name = "null"}); }
  bool boolean(bool) override {
    return Emit({.path = path_, .type_name = "boolean"});
  }
  bool number_integer(number_integer_t value) override {
    return Emit({.path = path_,
                 .type_name = std::to_string(value),
                 .signed_integer = value,
                 .number = static_cast<double>(value)});
  }
  bool number_unsigned(number_unsigned_t value) override {
    JsonEvent event{.path = path_,
                    .type_name = {},
                    .unsigned_integer = value,
                    .number = static_cast<double>(value)};
    const std::string digits = std::to_string(value);
    event.type_name = digits;
    if (std::in_range<std::int64_t>(value)) {
      event.signed_integer = static_cast<std::int64_t>(value);
    }
    return Emit(event);
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return Emit({.path = path_, .type_name = text, .number = value});
  }
  bool string(string_t& value) override {
    return Emit({.path = path_, .type_name = "string", .text = value});
  }
  bool binary(binary_t&) override { return false; }  // Never in text.

  bool start_object(std::size_t) override {
    if (!Emit({.path = path_, .type_name = "object"})) return false;
    Enter(std::nullopt);
    return true;
  }
  bool key(string_t& name) override {
    path_.back() = name;
    return true;
  }
  bool end_object() override { return Leave(); }

  bool start_array(std::size_t) override {
    if (!Emit({.path = path_, .type_name = "array"})) return false;
    Enter(0);
    return true;
  }
  bool end_array() override { return Leave(); }

  bool parse_error(std::size_t, const std::string&,
                   const json::exception& exception) override {
    *error_ = SyntaxError(exception.what());
    return false;
  }

 private:
  void Enter(std::optional<std::size_t> next_index) {
    path_.emplace_back();
    next_index_.push_back(next_index);
  }
  bool Leave() {
    path_.pop_back();
    next_index_.pop_back();
    return true;
  }

  bool Emit(const JsonEvent& event) {
    if (!next_index_.empty() && next_index_.back()) {
      path_.back() = "[" + std::to_string((*next_index_.back())++) + "]";
    }
    return on_event_(event);
  }

  const std::function<bool(const JsonEvent&)>& on_event_;
  std::string* error_;
  std::vector<std::string> path_;
  // For each object and array that is open: the next index in an array.
  std::vector<std::optional<std::size_t>> next_index_;
};

}  // namespace

bool ParseJson(std::string_view json,
               const std::function<bool(const JsonEvent&)>& on_event,
               std::string* error) {
  SaxHandler handler(on_event, error);
  return nlohmann::json::sax_parse(json, &handler);
}

std::string TypeMismatch(const JsonEvent& event, std::string_view expected) {
  std::string message;
  for (const std::string& element : event.path) {
    if (!message.empty() && !element.starts_with('[')) message += '.';
    message += element;
  }
  if (!message.empty()) message += ": ";
  return message.append("expected ")
      .append(expected)
      .append(", found ")
      .append(event.type_name);
}

std::string RequireObject(const JsonEvent& event) {
  return event.type_name == "object" ? "" : TypeMismatch(event, "an object");
}

}  // namespace jemalloc_exporter
