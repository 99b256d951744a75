#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVICE_THREAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVICE_THREAD_H_

#include <functional>
#include <thread>

namespace jemalloc_exporter {

/// Starts a thread that may run in a host process. It is named `name` (at most
/// 15 characters) and blocks all signals but its own faults, such as SIGSEGV:
/// those reach the crash handler of the process. Throws std::system_error where
/// no thread can be created.
std::thread StartThreadWithSignalsBlocked(const char* name,
                                          std::function<void()> run);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVICE_THREAD_H_
