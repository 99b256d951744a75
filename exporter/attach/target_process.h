#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_TARGET_PROCESS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_TARGET_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "exporter/attach/process_maps.h"

namespace jemalloc_exporter {

/// A process whose memory may be read and whose threads may be traced.
struct TargetProcess {
  pid_t pid = 0;
  /// Valid UTF-8, at most 15 characters.
  std::string comm;
  /// See getauxval(3), in the form of the kernel. Read before `maps`.
  std::string auxiliary_vector;
  std::vector<Mapping> maps;

  /// Returns `PID (comm): reason`.
  std::string Describe(std::string_view reason) const;
};

/// Examines a process; changes nothing in it. Throws AttachError where there is
/// no such process, it is a zombie, a kernel thread, stopped, traced, of
/// another architecture, or not accessible to this user.
TargetProcess ExamineProcess(pid_t pid);

/// Whether the process has executed another program since it was examined: then
/// addresses of `target` are those of other code, or of none.
bool HasOtherImage(const TargetProcess& target);
inline constexpr std::string_view kOtherImage =
    "has executed another program meanwhile";

/// The reason in the text of /proc/PID/status for which a process is not
/// traced; otherwise empty.
std::string FindStatusObstacle(pid_t pid, std::string_view status);

/// Whether seccomp is active in a thread; each has filters of its own.
bool HasSeccomp(pid_t pid, pid_t thread);

/// The value of a line of /proc/PID/status; empty without such a line.
std::string_view StatusField(std::string_view status, std::string_view name);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_TARGET_PROCESS_H_
