#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_ENDPOINTS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_ENDPOINTS_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/endpoints/profile_query.h"
#include "exporter/endpoints/profile_runs.h"
#include "exporter/http/message.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

struct ProfileEndpointOptions {
  /// Reads the processes that are served.
  std::function<std::vector<Process>()> read_processes = {};
  /// Whether a process is served; empty: every one.
  std::function<bool(pid_t)> includes = {};
  /// See `EndpointOptions`.
  std::string external_url = {};
  /// The program whose command `profile` prints a profile.
  std::string program = "/proc/self/exe";
};

/// The endpoints of heap profiles. Thread-safe.
class ProfileEndpoints {
 public:
  explicit ProfileEndpoints(ProfileEndpointOptions options)
      : options_(std::move(options)) {}

  /// `/debug/pprof/heap`: the profile of one process, see `ProfileQuery`. It is
  /// read in a child process, which ends with its last client. Blocks for up to
  /// `seconds` and 55 s. The errors, with one line:
  ///
  /// | status | reason |
  /// |---|---|
  /// | 400 | an invalid query, or several processes to choose from |
  /// | 404 | no such process, or it does not profile |
  /// | 503 | as many profiles in progress as allowed: `ProfileRuns`; or `End` |
  /// | 504 | no profile in time |
  /// | 500 | any other |
  Response Heap(const Request& request);

  /// `/debug/pprof/targets`: the processes with a profile, for Prometheus's
  /// HTTP service discovery.
  Response Targets(const Request& request);

  /// Ends the child processes within about 100 ms, and starts no more.
  void End() { runs_.End(); }

 private:
  // A process with a profile, or the response to a request for it.
  struct Selection {
    pid_t pid = 0;
    std::string comm = {};
    Response error = {};
  };

  Selection Select(const ProfileQuery& query);
  Selection SelectPid(const ProfileQuery& query, pid_t pid);
  std::vector<Process> ProfiledProcesses();
  Response Run(const ProfileQuery& query, const Selection& process,
               const std::vector<std::string>& arguments,
               const std::function<bool()>& is_abandoned) const;

  const ProfileEndpointOptions options_;
  ProfileRuns runs_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_ENDPOINTS_H_
