#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_THREAD_LIST_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_THREAD_LIST_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// The threads of a process, the main thread first; empty if there is no such
/// process. Threads can start and end meanwhile. Source: /proc/PID/task.
std::vector<pid_t> ListThreads(pid_t pid);

/// The contents of /proc/PID/task/TID/NAME, as `ReadProcFile`.
std::string ReadThreadFile(pid_t pid, pid_t thread, std::string_view name);

/// The name of a thread, as in comm; empty if there is no such thread.
std::string ReadThreadName(pid_t pid, pid_t thread);

/// The id of a process or thread in its own pid namespace, from its status; 0
/// if it is unknown. The names of sockets and the owners of locks have it.
pid_t NamespaceId(std::string_view status);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_THREAD_LIST_H_
