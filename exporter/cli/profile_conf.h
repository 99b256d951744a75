#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_CONF_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_CONF_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// Bytes that are allocated between two samples: jemalloc's default, and the
/// most that is accepted.
inline constexpr std::uint64_t kDefaultSampleBytes = 524'288;
inline constexpr std::uint64_t kMaxSampleBytes = std::uint64_t{1} << 40;

/// Parses a power of two, at most `kMaxSampleBytes`; absent otherwise.
std::optional<std::uint64_t> ParseSampleBytes(const std::string& text);

/// The value of MALLOC_CONF that has jemalloc sample its allocations. The
/// options in `inherited` come later, so that they take precedence.
std::string ProfileConf(std::uint64_t sample_bytes, std::string_view inherited);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_CONF_H_
