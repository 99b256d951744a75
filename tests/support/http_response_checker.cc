#include "tests/support/http_response_checker.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kVersion = "HTTP/1.1 ";

void Require(bool holds, const std::string& otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

bool IsLetter(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

bool IsDigit(char c) { return '0' <= c && c <= '9'; }

bool IsPrintable(std::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return ' ' <= c && c <= '~'; });
}

// Cuts a line off `rest`.
std::string_view TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  Require(end != std::string_view::npos, "a line that does not end");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

std::size_t ToSize(std::string_view digits) {
  std::size_t size = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, size);
  Require(!digits.empty() && IsDigit(digits.front()) && end == last &&
              error == std::errc(),
          "not a size");
  return size;
}

int TakeStatus(std::string_view& rest) {
  const std::string_view line = TakeLine(rest);
  constexpr std::size_t kDigits = 3;
  Require(line.starts_with(kVersion), "an answer of another version");
  const std::string_view digits = line.substr(kVersion.size(), kDigits);
  const std::string_view reason =
      line.substr(std::min(kVersion.size() + kDigits, line.size()));
  Require(digits.size() == kDigits &&
              std::all_of(digits.begin(), digits.end(), IsDigit),
          "no status");
  Require(reason.starts_with(' ') && IsPrintable(reason.substr(1)),
          "no reason");
  return static_cast<int>(ToSize(digits));
}

std::optional<std::string> Find(const StrictAnswer& answer,
                                std::string_view name) {
  for (const auto& [known, value] : answer.headers) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Headers TakeHeaders(std::string_view& rest) {
  StrictAnswer read;
  for (;;) {
    const std::string_view line = TakeLine(rest);
    if (line.empty()) return read.headers;
    const std::size_t colon = line.find(": ");
    Require(colon != std::string_view::npos, "no header");
    const std::string name(line.substr(0, colon));
    const std::string value(line.substr(colon + 2));
    Require(!name.empty() &&
                std::all_of(name.begin(), name.end(),
                            [](char c) { return IsLetter(c) || c == '-'; }),
            "no header's name");
    Require(IsPrintable(value), "no header's value");
    Require(!Find(read, name), "a header twice: " + name);
    read.headers.emplace_back(name, value);
  }
}

void CheckHead(const StrictAnswer& answer) {
  for (const std::string name : {"Date", "Content-Type", "Content-Length"}) {
    Require(Find(answer, name).has_value(), "no " + name);
  }
  if (answer.status < 400) return;
  Require(Find(answer, "Content-Type") == "text/plain; charset=utf-8",
          "an error of another type");
  Require(Find(answer, "X-Content-Type-Options") == "nosniff",
          "an error of any type");
}

}  // namespace

std::vector<StrictAnswer> ReadAnswers(std::string_view bytes,
                                      bool may_be_head) {
  std::vector<StrictAnswer> answers;
  while (!bytes.empty()) {
    Require(answers.empty() || Find(answers.back(), "Connection") != "close",
            "something behind the last answer");
    StrictAnswer& answer = answers.emplace_back();
    answer.status = TakeStatus(bytes);
    answer.headers = TakeHeaders(bytes);
    CheckHead(answer);
    if (may_be_head && (bytes.empty() || bytes.starts_with(kVersion))) continue;
    const std::size_t size = ToSize(*Find(answer, "Content-Length"));
    Require(size <= bytes.size(), "a body that is too short");
    answer.body = bytes.substr(0, size);
    bytes.remove_prefix(size);
  }
  return answers;
}

}  // namespace jemalloc_exporter
