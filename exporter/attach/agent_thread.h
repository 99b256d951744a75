#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_AGENT_THREAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_AGENT_THREAD_H_

#include <sys/types.h>

namespace jemalloc_exporter {

/// The agent's thread in a process; 0 if the agent does not run there. It is
/// recognised by its name, and by a listening socket of the process's name in
/// the process's network namespace. Thread-safe.
pid_t FindAgentThread(pid_t pid);

/// Gives the agent's thread the default scheduling policy, the nice value of
/// the main thread, and the processors on which any thread of the process may
/// run. The thread that created it may have had others.
void ResetScheduling(pid_t pid, pid_t agent_thread);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_AGENT_THREAD_H_
