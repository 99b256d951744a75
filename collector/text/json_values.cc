#include "collector/text/json_values.h"

#include <cstddef>
#include <exception>
#include <nlohmann/json.hpp>

namespace jemalloc_exporter {
namespace {

using nlohmann::json;

// The parser's message from the place on ("line 1, column 8: ..."), without the
// text it last read: that may be long, and is not ours to repeat.
std::string SyntaxError(std::string_view message) {
  const auto place = message.find("line ");
  if (place == std::string_view::npos) {
    return "a number is larger than any that JSON readers take";
  }
  message.remove_prefix(place);
  return std::string(message.substr(0, message.find("; last read")));
}

class Values final : public nlohmann::json_sax<json> {
 public:
  Values(const std::function<bool(const JsonValue&)>& take, std::string* error)
      : take_(take), error_(error) {}

  bool null() override { return Take({.place = place_, .what = "null"}); }
  bool boolean(bool) override {
    return Take({.place = place_, .what = "boolean"});
  }
  bool number_integer(number_integer_t value) override {
    return Take({.place = place_, .what = std::to_string(value)});
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Take(
        {.place = place_, .what = std::to_string(value), .number = value});
  }
  bool number_float(number_float_t, const string_t& spelled) override {
    return Take({.place = place_, .what = spelled});
  }
  bool string(string_t& value) override {
    return Take({.place = place_, .what = "string", .text = value});
  }
  bool binary(binary_t&) override { return false; }  // Never in text.

  bool start_object(std::size_t) override {
    if (!Take({.place = place_, .what = "object"})) return false;
    if (arrays_ == 0) place_.emplace_back();
    return true;
  }
  bool key(string_t& name) override {
    if (arrays_ == 0) place_.back() = name;
    return true;
  }
  bool end_object() override {
    if (arrays_ == 0) place_.pop_back();
    return true;
  }

  bool start_array(std::size_t) override {
    const bool goes_on = Take({.place = place_, .what = "array"});
    ++arrays_;
    return goes_on;
  }
  bool end_array() override {
    --arrays_;
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const json::exception& exception) override {
    *error_ = SyntaxError(exception.what());
    return false;
  }

 private:
  bool Take(const JsonValue& value) { return arrays_ > 0 || take_(value); }

  const std::function<bool(const JsonValue&)>& take_;
  std::string* error_;
  std::vector<std::string> place_;
  std::size_t arrays_ = 0;  // How many the value stands in.
};

}  // namespace

bool ReadJsonValues(std::string_view json,
                    const std::function<bool(const JsonValue&)>& take,
                    std::string* error) {
  Values values(take, error);
  return nlohmann::json::sax_parse(json, &values);
}

}  // namespace jemalloc_exporter
