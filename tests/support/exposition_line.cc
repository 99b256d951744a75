#include "tests/support/exposition_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <system_error>

namespace jemalloc_exporter {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void Require(bool holds, const std::string& otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

bool IsDigit(char c) { return '0' <= c && c <= '9'; }

bool CanStart(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_';
}

// Not `__`, which is reserved.
bool IsName(std::string_view name, bool with_colons) {
  const auto can_start = [&](char c) {
    return CanStart(c) || (with_colons && c == ':');
  };
  return !name.empty() && !name.starts_with("__") && can_start(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return can_start(c) || IsDigit(c); });
}

// Takes what it reads off the beginning of a line.
class Cursor {
 public:
  explicit Cursor(std::string_view line) : rest_(line) {}

  bool AtEnd() const { return rest_.empty(); }

  void Expect(std::string_view text) {
    Require(Skip(text), "no '" + std::string(text) + "' where it should be");
  }
  bool Skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::string_view TakeUntil(std::string_view ends) {
    const auto size = std::min(rest_.find_first_of(ends), rest_.size());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  // Up to one of `ends`, with only `\n` and a backslash before one of `special`
  // as escapes.
  std::string TakeEscaped(std::string_view special, std::string_view ends) {
    std::string text;
    for (;;) {
      text += TakeUntil("\\" + std::string(ends));
      if (!Skip("\\")) return text;
      Require(!AtEnd(), "a backslash at the end");
      const char c = rest_.front();
      Require(c == 'n' || special.find(c) != std::string_view::npos,
              "an invalid escape");
      text += c == 'n' ? '\n' : c;
      rest_.remove_prefix(1);
    }
  }

 private:
  std::string_view rest_;
};

ParsedLabels TakeLabels(Cursor& cursor) {
  ParsedLabels labels;
  do {
    std::string name(cursor.TakeUntil("="));
    Require(IsName(name, false), "a label's name is illegal: " + name);
    cursor.Expect("=\"");
    std::string value = cursor.TakeEscaped("\\\"", "\"");
    cursor.Expect("\"");
    Require(!value.empty(), "a label without a value: " + name);
    labels.emplace_back(std::move(name), std::move(value));
  } while (cursor.Skip(","));
  cursor.Expect("}");
  return labels;
}

bool AreDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

void CheckGrammar(std::string_view number) {
  Cursor cursor(number);
  cursor.Skip("-");
  Require(IsCount(cursor.TakeUntil(".e")), "not a number");
  if (cursor.Skip(".")) {
    const std::string_view fraction = cursor.TakeUntil("e");
    Require(AreDigits(fraction) && fraction.back() != '0', "no fraction");
  }
  if (cursor.AtEnd()) return;
  cursor.Expect("e");
  Require(cursor.Skip("-") || cursor.Skip("+"), "an exponent without a sign");
  const std::string_view exponent = cursor.TakeUntil("");
  Require(exponent.size() >= 2 && AreDigits(exponent), "no exponent");
}

// The digits that count.
std::string Significant(std::string_view number) {
  std::string digits(number.substr(0, number.find('e')));
  std::erase_if(digits, [](char c) { return !IsDigit(c); });
  digits.erase(0, digits.find_first_not_of('0'));
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits;
}

std::string Shortest(double number) {
  std::array<char, 32> chars{};
  const auto written = std::to_chars(chars.begin(), chars.end(), number,  //
                                     std::chars_format::scientific);
  return {chars.begin(), written.ptr};
}

void CheckTimestamp(Format format, std::string_view text) {
  const bool in_seconds = format == Format::kOpenMetrics;
  Require(
      std::isfinite(ReadNumber(text)) &&
          text.find_first_of(in_seconds ? "e" : ".e") == std::string_view::npos,
      "an invalid timestamp");
}

}  // namespace

bool IsCount(std::string_view text) {
  return AreDigits(text) && (text == "0" || text.front() != '0');
}

double ReadNumber(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf") return kInfinity;
  if (text == "-Inf") return -kInfinity;
  CheckGrammar(text);
  double number = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), number);
  Require(read.ec == std::errc(), "a number that no double holds");
  // A count may have more digits than a double.
  const bool is_count = text.find_first_of(".e") == std::string_view::npos;
  Require(is_count || Significant(text) == Significant(Shortest(number)),
          "more digits than it takes");
  return number;
}

double ReadBound(Format format, std::string_view text) {
  Require(text != "NaN" && text != "-0" && text != "-0.0", "not a bound");
  if (format == Format::kOpenMetrics && !text.ends_with("Inf")) {
    Require(text.find_first_of(".e") != std::string_view::npos,
            "a bound that is no float");
    if (text.ends_with(".0")) text.remove_suffix(2);
  }
  return ReadNumber(text);
}

ParsedSample ReadSample(Format format, std::string_view line) {
  Cursor cursor(line);
  ParsedSample sample;
  sample.name = cursor.TakeUntil("{ ");
  Require(IsName(sample.name, true), "a sample's name is illegal");
  if (cursor.Skip("{")) sample.labels = TakeLabels(cursor);
  cursor.Expect(" ");
  sample.value = cursor.TakeUntil(" ");
  ReadNumber(sample.value);
  if (cursor.Skip(" ")) {
    sample.timestamp = cursor.TakeUntil(" ");
    CheckTimestamp(format, sample.timestamp);
  }
  Require(cursor.AtEnd(), "something behind the sample");
  return sample;
}

ParsedMetadata ReadMetadata(std::string_view line) {
  Cursor cursor(line);
  cursor.Expect("# ");
  ParsedMetadata metadata;
  metadata.keyword = cursor.TakeUntil(" ");
  cursor.Expect(" ");
  metadata.name = cursor.TakeUntil(" ");
  Require(IsName(metadata.name, true), "a family's name is illegal");
  cursor.Expect(" ");
  metadata.text = cursor.TakeUntil("");
  Require(!metadata.text.empty(), "empty metadata");
  return metadata;
}

std::string ReadHelp(Format format, std::string_view text) {
  Cursor cursor(text);
  const bool escapes_quotes = format == Format::kOpenMetrics;
  std::string help = cursor.TakeEscaped(escapes_quotes ? "\\\"" : "\\",
                                        escapes_quotes ? "\"" : "");
  Require(cursor.AtEnd(), "a quote that is not escaped");
  return help;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const auto byte = [&](std::size_t i) -> unsigned {
      return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    const unsigned first = byte(0);
    const std::size_t size = first < 0x80             ? 1
                             : (first & 0xE0) == 0xC0 ? 2
                             : (first & 0xF0) == 0xE0 ? 3
                             : (first & 0xF8) == 0xF0 ? 4
                                                      : 0;
    if (size == 0) return false;
    unsigned point = size == 1 ? first : first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return false;
      point = point << 6 | (byte(i) & 0x3F);
    }
    constexpr unsigned kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[size] || point > 0x10FFFF) return false;
    if (0xD800 <= point && point <= 0xDFFF) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace jemalloc_exporter
