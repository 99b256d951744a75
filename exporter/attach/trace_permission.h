#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_TRACE_PERMISSION_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_TRACE_PERMISSION_H_

#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// The text of /proc/sys/kernel/yama/ptrace_scope; empty if the kernel does not
/// have it.
std::string ReadPtraceScope();

/// The permission that is missing where a process may not be traced, by the
/// text of `ReadPtraceScope`, see ptrace(2).
std::string DescribeMissingPermission(std::string_view ptrace_scope);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_TRACE_PERMISSION_H_
