#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_UTF8_SEQUENCE_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_UTF8_SEQUENCE_H_

#include <cstddef>
#include <string_view>

namespace jemalloc_exporter {

/// U+FFFD, which stands for what is not UTF-8.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// What a text starts with: a character, or bytes that one U+FFFD stands for.
struct Utf8Sequence {
  std::size_t size;
  bool well_formed;
};

/// The first sequence of `text`, which is not empty. What is not well-formed is
/// cut as Unicode recommends (section 3.9, "maximal subpart"). Needs nothing
/// but libc.
Utf8Sequence FirstUtf8Sequence(std::string_view text);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_UTF8_SEQUENCE_H_
