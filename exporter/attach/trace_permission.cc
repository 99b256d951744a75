#include "exporter/attach/trace_permission.h"

#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {

std::string ReadPtraceScope() {
  return ReadProcFile("/proc/sys/kernel/yama/ptrace_scope");
}

std::string DescribeMissingPermission(std::string_view ptrace_scope) {
  const std::string start = "not allowed to look into it ";
  switch (ptrace_scope.empty() ? '0' : ptrace_scope.front()) {
    case '1':
    case '2':
      return start + "(needs CAP_SYS_PTRACE: kernel.yama.ptrace_scope is " +
             ptrace_scope.front() + ")";
    case '3':
      return start +
             "(kernel.yama.ptrace_scope is 3: no process can be traced until "
             "the next boot)";
    default:
      return start +
             "(needs its user and kernel.yama.ptrace_scope 0, or "
             "CAP_SYS_PTRACE)";
  }
}

}  // namespace jemalloc_exporter
