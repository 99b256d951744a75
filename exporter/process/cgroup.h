#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_CGROUP_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_CGROUP_H_

#include <sys/types.h>

#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// What started a process, from the name of its control group. A process can
/// choose that name in a hierarchy that was delegated to it. Strings are
/// sanitized, see `SanitizeLabel`; empty where the name has no such part: also
/// in a control group namespace, whose own group is `/`.
struct Cgroup {
  /// systemd's unit, `redis-server.service` or `session-3.scope`. Empty where
  /// the unit is that of a container or of what runs containers.
  std::string unit = {};
  /// The 64 hexadecimal digits of Docker, containerd, CRI-O and Podman.
  std::string container_id = {};
  /// The UID of the Kubernetes pod; of a static pod 32 digits without hyphens.
  std::string pod_uid = {};

  friend bool operator==(const Cgroup&, const Cgroup&) = default;
};

/// Parses the contents of /proc/PID/cgroup, see cgroups(7). In version 1 the
/// hierarchy `name=systemd` is preferred, then `memory`; in a hybrid layout the
/// unified hierarchy is the last.
Cgroup ParseCgroup(std::string_view contents);

/// Returns the control group of a process; empty where there is no such process
/// or /proc does not show it. Thread-safe; throws std::bad_alloc only.
Cgroup ReadCgroup(pid_t pid);

/// The unit; without one the first 12 digits of the container's id, which
/// container tools print. Empty without both.
std::string UnitOrContainer(const Cgroup& cgroup);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_CGROUP_H_
