#include "exporter/exposition/number.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>

namespace jemalloc_exporter {
namespace {

// Larger than the longest number: -2.2250738585072014e-308 has 24 characters.
constexpr std::size_t kMaxNumberSize = 32;

// A double represents every integer up to 2^53 exactly.
constexpr double kMaxExactInteger = 9007199254740992;

// `number`: the arguments of std::to_chars after the buffer.
template <typename... Number>
void AppendChars(std::string& out, Number... number) {
  char chars[kMaxNumberSize];
  const auto written =
      std::to_chars(std::begin(chars), std::end(chars), number...);
  out.append(std::begin(chars), written.ptr);
}

bool AppendNonFinite(std::string& out, double value) {
  if (std::isfinite(value)) return false;
  out += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  return true;
}

}  // namespace

void AppendNumber(std::string& out, double value) {
  if (AppendNonFinite(out, value)) return;
  if (std::trunc(value) == value && std::abs(value) <= kMaxExactInteger) {
    AppendChars(out, value, std::chars_format::fixed);
  } else {
    AppendChars(out, value);
  }
}

void AppendNumber(std::string& out, std::uint64_t value) {
  AppendChars(out, value);
}

void AppendBound(std::string& out, Format format, double bound) {
  if (bound == 0) bound = 0;  // -0 and 0 are one bound.
  if (format == Format::kText) return AppendNumber(out, bound);
  if (AppendNonFinite(out, bound)) return;
  const std::size_t start = out.size();
  // Canonical numbers follow Go's %g.
  AppendChars(out, bound, std::chars_format::general);
  if (out.find_first_of(".e", start) == std::string::npos) out += ".0";
}

void AppendTimestamp(std::string& out, Format format,
                     std::int64_t milliseconds) {
  if (format == Format::kText) {
    AppendChars(out, milliseconds);
  } else {
    AppendChars(out, static_cast<double>(milliseconds) / 1000,
                std::chars_format::fixed);
  }
}

}  // namespace jemalloc_exporter
