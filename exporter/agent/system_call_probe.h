#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_SYSTEM_CALL_PROBE_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_SYSTEM_CALL_PROBE_H_

namespace jemalloc_exporter {

/// The seccomp filters of the calling thread, or HostStatus::kUnknown. The
/// calls are those by which the dynamic linker has loaded the agent.
int CountSeccompFilters();

/// Makes each system call of the agent in a child process, harmlessly. False if
/// the child is killed for one, or cannot be created.
///
/// The filters that a process was started under cannot be read, and may kill
/// for any call. Container runtimes and most systemd units return an error
/// instead. The child has no exit signal and is reaped here; a filter that
/// kills for fork-like clone(2), wait4(2) or exit(2) kills the calling process.
bool AreSystemCallsSafe();

/// The same for the system calls by which a heap profile is written and sent.
bool AreProfileSystemCallsSafe();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_SYSTEM_CALL_PROBE_H_
