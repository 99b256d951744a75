#ifndef JEMALLOC_EXPORTER_COLLECTOR_REPORT_WHOLE_FILE_H_
#define JEMALLOC_EXPORTER_COLLECTOR_REPORT_WHOLE_FILE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// What the file at `path` holds. Returns none, and the reason in `error`, if
/// it cannot be read or has more than `max_size` bytes.
std::optional<std::string> ReadWholeFile(const std::string& path,
                                         std::size_t max_size,
                                         std::string* error);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_REPORT_WHOLE_FILE_H_
