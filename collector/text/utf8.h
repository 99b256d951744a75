#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_UTF8_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// U+FFFD, the replacement for bytes that are not UTF-8.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// The start of a text: one character, or bytes to replace by one U+FFFD.
struct Utf8Sequence {
  std::size_t size;
  bool well_formed;
};

/// Returns the first sequence of `text`, which must not be empty. An ill-formed
/// one is the "maximal subpart" of Unicode, section 3.9. Calls no function
/// outside libc: the agent links it.
Utf8Sequence FirstUtf8Sequence(std::string_view text);

/// Appends `text` to `out` as well-formed UTF-8, each ill-formed sequence
/// replaced by one U+FFFD. Defined here: the agent links no std::string.
inline void AppendUtf8(std::string& out, std::string_view text) {
  while (!text.empty()) {
    // Most names are ASCII: appended in one piece.
    std::size_t ascii = 0;
    while (ascii < text.size() &&
           static_cast<unsigned char>(text[ascii]) < 0x80)
      ++ascii;
    out += text.substr(0, ascii);
    text.remove_prefix(ascii);
    if (text.empty()) return;
    const auto [size, well_formed] = FirstUtf8Sequence(text);
    out += well_formed ? text.substr(0, size) : kReplacementCharacter;
    text.remove_prefix(size);
  }
}

/// Returns `text` as well-formed UTF-8, as `AppendUtf8` does.
inline std::string SanitizeUtf8(std::string_view text) {
  std::string sanitized;
  AppendUtf8(sanitized, text);
  return sanitized;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_UTF8_H_
