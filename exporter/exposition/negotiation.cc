#include "exporter/exposition/negotiation.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>

namespace jemalloc_exporter {
namespace {

char ToLower(char c) {
  return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ToLower(x) == ToLower(y); });
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Removes the text up to the next `separator` from `rest` and returns it
// trimmed. Separators inside quotes are skipped.
std::string_view Cut(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (quoted && rest[end] == '\\') ++end;
    if (!quoted && rest[end] == separator) break;
  }
  const std::string_view part = Trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

std::string_view Unquoted(std::string_view value) {
  if (value.size() < 2 || !value.starts_with('"') || !value.ends_with('"')) {
    return value;
  }
  return value.substr(1, value.size() - 2);
}

// One entry of a list such as Accept: `name;version=1.0.0;q=0.5`.
struct Entry {
  std::string_view name;
  std::string_view version;
  double quality = 1;  // 0 if malformed.
};

double Quality(std::string_view text) {
  const char* const last = text.data() + text.size();
  double quality = 0;
  const auto [end, error] =
      std::from_chars(text.data(), last, quality, std::chars_format::fixed);
  if (error != std::errc() || end != last) return 0;
  return quality >= 0 && quality <= 1 ? quality : 0;
}

Entry CutEntry(std::string_view& list) {
  std::string_view parameters = Cut(list, ',');
  Entry entry;
  entry.name = Cut(parameters, ';');
  while (!parameters.empty()) {
    std::string_view value = Cut(parameters, ';');
    const std::string_view name = Cut(value, '=');
    if (EqualsIgnoringCase(name, "q")) entry.quality = Quality(value);
    if (EqualsIgnoringCase(name, "version")) entry.version = Unquoted(value);
  }
  return entry;
}

std::optional<Format> NamedFormat(const Entry& entry) {
  const auto is = [&](std::string_view name) {
    return EqualsIgnoringCase(entry.name, name);
  };
  const auto has_version = [&](auto... versions) {
    return entry.version.empty() || ((entry.version == versions) || ...);
  };
  if (is("*/*") || is("text/*")) return Format::kText;
  if (is("application/*")) return Format::kOpenMetrics;
  if (is("text/plain") && has_version("0.0.4")) return Format::kText;
  if (is("application/openmetrics-text") && has_version("1.0.0", "0.0.1")) {
    return Format::kOpenMetrics;
  }
  return std::nullopt;
}

}  // namespace

Format NegotiateFormat(std::string_view accept) {
  Format best = Format::kText;
  double best_quality = 0;
  while (!accept.empty()) {
    const Entry entry = CutEntry(accept);
    const std::optional<Format> format = NamedFormat(entry);
    if (!format || entry.quality <= best_quality) continue;
    best = *format;
    best_quality = entry.quality;
  }
  return best;
}

std::string_view ContentType(Format format) {
  return format == Format::kText
             ? "text/plain; version=0.0.4; charset=utf-8"
             : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

bool AcceptsGzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  std::optional<double> identity;
  double any = 0;  // Quality of `*`.
  while (!accept_encoding.empty()) {
    const auto [name, version, quality] = CutEntry(accept_encoding);
    if (EqualsIgnoringCase(name, "gzip") ||
        EqualsIgnoringCase(name, "x-gzip")) {
      gzip = std::max(gzip.value_or(0), quality);
    } else if (EqualsIgnoringCase(name, "identity")) {
      identity = quality;
    } else if (name == "*") {
      any = quality;
    }
  }
  const double gzip_quality = gzip.value_or(any);
  return gzip_quality > 0 && gzip_quality >= identity.value_or(any);
}

}  // namespace jemalloc_exporter
