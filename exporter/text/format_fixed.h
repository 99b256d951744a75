#ifndef JEMALLOC_EXPORTER_EXPORTER_TEXT_FORMAT_FIXED_H_
#define JEMALLOC_EXPORTER_EXPORTER_TEXT_FORMAT_FIXED_H_

#include <array>
#include <charconv>
#include <string>

namespace jemalloc_exporter {

/// Returns `value` with `decimals` decimals, independent of the locale. The
/// result must fit in 32 characters.
inline std::string FormatFixed(double value, int decimals) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(),
                                     value, std::chars_format::fixed, decimals);
  return {text.data(), written.ptr};
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_TEXT_FORMAT_FIXED_H_
