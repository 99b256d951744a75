#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROFILE_H_

#include "exporter/cli/profile_options.h"

namespace jemalloc_exporter {

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
