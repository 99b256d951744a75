#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_QUERY_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_QUERY_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// A format of `/debug/pprof/heap`.
struct ProfileFormatName {
  /// As in `?format=NAME` and `jemalloc_exporter profile --format NAME`.
  std::string_view name;
  std::string_view content_type;
  /// Of the file that browsers save; empty: they display it.
  std::string_view file_suffix;
};

/// The parameters of `/debug/pprof/heap`.
struct ProfileQuery {
  std::optional<pid_t> pid = {};
  std::optional<std::string> comm = {};
  /// 1 to 300: the difference between two profiles that are so many seconds
  /// apart. 0: one profile.
  int seconds = 0;
  const ProfileFormatName* format = nullptr;
  bool symbols = true;
};

/// Parses a query, as sent. Other parameters are ignored. Absent, with one line
/// in `error`, where a parameter is repeated or its value is invalid.
std::optional<ProfileQuery> ParseProfileQuery(std::string_view query,
                                              std::string* error);

/// The arguments of `jemalloc_exporter` that print the profile of `pid`.
std::vector<std::string> ProfileCommand(const ProfileQuery& query, pid_t pid);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_QUERY_H_
