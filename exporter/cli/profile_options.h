#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_OPTIONS_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "exporter/text/seconds.h"

namespace CLI {
class App;
}  // namespace CLI

namespace jemalloc_exporter {

enum class ProfileFormat { kPprof, kFlameGraph, kCollapsed, kRaw };

/// Bounds of the time between two profiles.
inline constexpr Seconds kMinProfileTime{1};
inline constexpr Seconds kMaxProfileTime{300};

struct ProfileOptions {
  pid_t pid = 0;
  /// Absent: everything in use. Else what was added in this time. Not with
  /// `kRaw`.
  std::optional<Seconds> time;
  ProfileFormat format = ProfileFormat::kPprof;
  /// Addresses and build ids only.
  bool no_symbols = false;
  /// The flame graph is served over HTTP.
  bool is_served = false;
  /// A file; empty: stdout.
  std::string output;
};

/// Declares the options of `profile`, whose values are stored in `options` when
/// `profile` parses a command line. Both must outlive that.
void AddProfileOptions(CLI::App& profile, ProfileOptions& options);

/// Throws CLI::ValidationError for options that exclude each other.
void CheckProfileOptions(const ProfileOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_OPTIONS_H_
