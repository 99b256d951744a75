#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_DURATION_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_DURATION_H_

#include <chrono>
#include <optional>
#include <string_view>

namespace jemalloc_exporter {

/// Parses a duration in the syntax of Go's time.ParseDuration ("1s", "500ms",
/// "1m30s", "1.5h"; units h, m, s, ms, us, µs, ns), or a plain number of
/// seconds. Empty if it is neither, not positive, or longer than a day.
std::optional<std::chrono::duration<double>> ParseDuration(
    std::string_view text);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_DURATION_H_
