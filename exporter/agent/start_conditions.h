#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_START_CONDITIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_START_CONDITIONS_H_

#include <string_view>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// Whether the environment variable has the value `kAgentOff`.
bool IsOff(const char* variable);

/// Whether a name of this program is excluded (see `IsExcluded`): the last
/// component of the path that was passed to execve(2), of argv[0], or of the
/// file where that path is a link of /proc. The copy of itself that runc
/// executes has another name.
bool IsProgramExcluded(std::string_view excluded);

/// Whether the dynamic linker loaded this library by a path that starts with
/// `kAttachPathPrefix`.
bool IsLoadedByAttach();

/// Whether malloc(3) is the host's jemalloc: `mallctl` belongs to the object
/// that malloc does. A program that has jemalloc beside an allocator of its own
/// can rely on having no further thread.
bool IsHostAllocator(Mallctl* mallctl);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_START_CONDITIONS_H_
