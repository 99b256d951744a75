#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_CODE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_CODE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "exporter/attach/loaded_object.h"

namespace jemalloc_exporter {

/// Instructions of a process that are used to call its functions. Nothing
/// executable is added to it.
struct RemoteCode {
  /// `syscall; ret`.
  std::uint64_t system_call = 0;
  /// `mov $SYS_rt_sigreturn, %rax; syscall`: where signal handlers return to.
  std::uint64_t signal_return = 0;
  /// All of these, in all objects.
  std::vector<std::uint64_t> signal_returns;
  /// `__errno_location`; absent in programs that do not have it.
  std::optional<std::uint64_t> errno_location;
};

/// Absent if the process has no such instructions: a static program without any
/// signal handler.
std::optional<RemoteCode> FindRemoteCode(
    const std::vector<LoadedObject>& objects);

/// The address of a function that an object exports; with `SHT_SYMTAB`, of any
/// of its functions. Absent if it has none of this name.
std::optional<std::uint64_t> FindFunction(const LoadedObject& object,
                                          std::uint32_t table,
                                          std::string_view name);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_CODE_H_
