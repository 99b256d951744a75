#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_TREE_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_TREE_H_

#include <sys/types.h>

#include <vector>

namespace jemalloc_exporter {

/// Whether `ancestor` is the parent of `pid`, or the parent of an ancestor of
/// it. False for `ancestor` itself, for a process that has ended, and where
/// /proc is unreadable. Source: /proc/PID/stat of each process on the way up.
/// Thread-safe; throws std::bad_alloc.
///
/// When a parent ends during the walk, the walk is repeated from `pid`, which
/// has a new parent then: up to 5 times. A parent that started later than its
/// child has a reused pid, and is handled the same way.
bool IsDescendant(pid_t pid, pid_t ancestor);

/// The pids of all processes that /proc shows, in no particular order; empty
/// where it is unreadable. A process that runs for the whole call is included.
std::vector<pid_t> ListPids();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_TREE_H_
