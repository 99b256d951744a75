#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_PROFILE_DUMP_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_PROFILE_DUMP_H_

#include <string_view>

#include "exporter/agent/find_jemalloc.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// The first jemalloc that samples allocations (`opt.prof`); null if there is
/// none. One that names its profiles' threads itself
/// (`opt.prof_sys_thread_name`) is omitted before 5.3.1: there a dump may read
/// a name that is freed. Calls mallctl only.
Mallctl* FindProfiledJemalloc(const Jemallocs& jemallocs);

/// Writes a heap profile into a memfd that cannot be changed afterwards, and
/// returns its descriptor; -1 on an error.
///
/// The file is in memory: jemalloc writes while it holds the locks of its
/// profile, so a reader of a pipe could stop the host. It is named by
/// /proc/thread-self: the descriptors in /proc/self/fd are those of the host.
/// In the agent's thread only. Allocates nothing, needs libc only.
int DumpProfile(Mallctl* mallctl);

/// Sends the document of a heap profile, and with it the descriptor `file`
/// unless that is -1. Never waits. `comm` and `version` as in
/// `ResponseWriter`.
void SendProfile(int peer, std::string_view comm, std::string_view version,
                 int file);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_PROFILE_DUMP_H_
