#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_UTF8_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_UTF8_H_

#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// Appends `text` as well-formed UTF-8: each part that is not becomes one
/// U+FFFD, cut as Unicode recommends (section 3.9, "maximal subpart").
void AppendUtf8(std::string& out, std::string_view text);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_UTF8_H_
