#include "exporter/text/format_bytes.h"

#include <array>
#include <string_view>

#include "exporter/text/format_fixed.h"

namespace jemalloc_exporter {

std::string FormatBytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits = {
      "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.95 would be printed as 1024.0.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return FormatFixed(value, unit == 0 ? 0 : 1) + " " +
         std::string(kUnits.at(unit));
}

}  // namespace jemalloc_exporter
