#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "exporter/text/seconds.h"

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

/// Writes the heap profile of a process. Returns the exit status: 2 with a line
/// on stderr instead of a binary format on a terminal.
///
/// The files that the process has mapped are untrusted. Before they are read,
/// this process limits itself for good: 1 GiB of addresses, 20 s of processor
/// time, 30 s. Beyond these it ends with status 1 and a line on stderr.
///
/// Returns `kNoProfile` or `kNoProfileInTime`, with one line on stderr, for
/// `ProfileFailure::kAbsent` and `kTimeout`. Ends early where the reader of
/// stdout has closed it. Throws std::runtime_error with one line otherwise.
int RunProfile(const ProfileOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_H_
