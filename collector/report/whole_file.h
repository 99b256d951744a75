#ifndef JEMALLOC_EXPORTER_COLLECTOR_REPORT_WHOLE_FILE_H_
#define JEMALLOC_EXPORTER_COLLECTOR_REPORT_WHOLE_FILE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// What a file has to survive: this process's end, or the machine's.
enum class Survives { kCrash, kPowerCut };

/// Makes the file at `path` hold `text`, atomically: a reader finds what was
/// there before or all of `text`. Returns what went wrong, and then leaves
/// nothing behind; empty if nothing did.
std::string WriteWholeFile(const std::string& path, std::string_view text,
                           Survives survives = Survives::kPowerCut);

/// What the file at `path` holds. Returns none, and the reason in `error`, if
/// it cannot be read or has more than `max_size` bytes.
std::optional<std::string> ReadWholeFile(const std::string& path,
                                         std::size_t max_size,
                                         std::string* error);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_REPORT_WHOLE_FILE_H_
