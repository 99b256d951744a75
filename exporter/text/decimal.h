#ifndef JEMALLOC_EXPORTER_EXPORTER_TEXT_DECIMAL_H_
#define JEMALLOC_EXPORTER_EXPORTER_TEXT_DECIMAL_H_

#include <array>
#include <charconv>
#include <string>

namespace jemalloc_exporter {

/// `value` with so many decimals, whatever the locale. For values of a sane
/// size: at most 32 characters.
inline std::string ToDecimal(double value, int decimals) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(),
                                     value, std::chars_format::fixed, decimals);
  return {text.data(), written.ptr};
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_TEXT_DECIMAL_H_
