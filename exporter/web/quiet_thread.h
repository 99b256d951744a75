#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_QUIET_THREAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_QUIET_THREAD_H_

#include <functional>
#include <thread>

namespace jemalloc_exporter {

/// Starts a thread in a process that may be somebody else's: it is called
/// `name` (15 characters at most) in ps and gdb, and no signal that is meant
/// for the process lands on it. Faults of its own (SIGSEGV and its like) reach
/// the host's crash handler as usual. Throws std::system_error where there can
/// be no more threads.
std::thread StartQuietThread(const char* name, std::function<void()> run);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_QUIET_THREAD_H_
