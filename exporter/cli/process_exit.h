#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_EXIT_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_EXIT_H_

#include <sys/types.h>

#include <optional>

namespace jemalloc_exporter {

/// Returns a close-on-exec descriptor that becomes readable when the process
/// ends: a pidfd; -1 without pidfd_open(2) (before Linux 5.3).
int OpenPidfd(pid_t pid);

/// The same without pidfd_open(2): a thread polls /proc every 100 ms and closes
/// the other end of a pipe. -1 without a pipe or thread.
int PollForExit(pid_t pid);

/// Whether such a descriptor is readable.
bool HasExited(int exit_fd);

/// The signal that terminated the process behind a pidfd. Empty if it exited,
/// or if the kernel does not report it: always since Linux 6.15, before that
/// while the process is a zombie and belongs to this user.
std::optional<int> TerminationSignal(int pidfd, pid_t pid);

/// The exit status that a shell has for a process whose status waitpid(2)
/// returned: 128 + n where signal n terminated it.
int ShellExitStatus(int wait_status);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_EXIT_H_
