#ifndef JEMALLOC_EXPORTER_EXPORTER_TEXT_SANITIZE_LABEL_H_
#define JEMALLOC_EXPORTER_EXPORTER_TEXT_SANITIZE_LABEL_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// Returns the first `max_characters` characters of an untrusted name as valid
/// UTF-8. Invalid sequences and control characters, which a terminal might
/// interpret, are replaced by U+FFFD. Throws std::bad_alloc only.
std::string SanitizeLabel(std::string_view bytes, std::size_t max_characters);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_TEXT_SANITIZE_LABEL_H_
