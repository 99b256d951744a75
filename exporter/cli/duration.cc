#include "exporter/cli/duration.h"

#include <charconv>
#include <system_error>

namespace jemalloc_exporter {
namespace {

constexpr double kMaxSeconds = 86'400;

struct Unit {
  std::string_view name;
  double seconds;
};

// The longer of two names with the same beginning first.
constexpr Unit kUnits[] = {{"h", 3600},  {"ms", 1e-3}, {"m", 60},   {"s", 1},
                           {"us", 1e-6}, {"µs", 1e-6}, {"ns", 1e-9}};

// Removes a decimal number from the beginning of `text`. Digits first: no sign,
// no "inf", no "nan".
std::optional<double> TakeNumber(std::string_view& text) {
  if (text.find_first_of("0123456789.") != 0) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(
      text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(end - text.data());
  return number;
}

// Removes a unit from the beginning of `text`; returns its seconds.
std::optional<double> TakeUnit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.seconds;
  }
  return std::nullopt;
}

std::optional<double> ParseSeconds(std::string_view text) {
  double seconds = 0;
  bool is_first = true;
  do {
    const auto number = TakeNumber(text);
    if (!number) return std::nullopt;
    if (is_first && text.empty()) return number;  // A plain number.
    is_first = false;
    const auto unit = TakeUnit(text);
    if (!unit) return std::nullopt;
    seconds += *number * *unit;
  } while (!text.empty());
  return seconds;
}

}  // namespace

std::optional<std::chrono::duration<double>> ParseDuration(
    std::string_view text) {
  const auto seconds = ParseSeconds(text);
  if (!seconds || *seconds <= 0 || *seconds > kMaxSeconds) return std::nullopt;
  return std::chrono::duration<double>(*seconds);
}

}  // namespace jemalloc_exporter
