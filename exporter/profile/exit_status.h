#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_EXIT_STATUS_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_EXIT_STATUS_H_

namespace jemalloc_exporter {

/// Exit statuses of `jemalloc_exporter profile`, besides 0, 1 for any other
/// failure, and 2 for a mistake in the command line.
inline constexpr int kNoProfile = 3;        ///< No such process or profile.
inline constexpr int kNoProfileInTime = 4;  ///< The process did not respond.

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_EXIT_STATUS_H_
