#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_VALID_UTF8_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_VALID_UTF8_H_

#include <string>

namespace jemalloc_exporter {

/// `text` with U+FFFD in place of what is no UTF-8. JSON and Prometheus take
/// nothing else; GoogleTest and the kernel take any bytes for a name.
std::string ValidUtf8(const std::string& text);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_VALID_UTF8_H_
