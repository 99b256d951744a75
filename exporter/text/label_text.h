#ifndef JEMALLOC_EXPORTER_EXPORTER_TEXT_LABEL_TEXT_H_
#define JEMALLOC_EXPORTER_EXPORTER_TEXT_LABEL_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// A name that somebody else chose, as text that may be shown: at most
/// `max_characters` of valid UTF-8, U+FFFD in place of what is not, and of
/// control characters, which a terminal might obey.
std::string LabelText(std::string_view bytes, std::size_t max_characters);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_TEXT_LABEL_TEXT_H_
