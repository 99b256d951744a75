#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROCESSES_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROCESSES_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <vector>

#include "exporter/endpoints/scrape_patience.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The processes that carry the agent, waiting for their answers no longer than
/// `patience`; those below `ancestor` alone where that is given. Not this
/// process. Ordered by pid. Thread-safe; throws std::bad_alloc.
std::vector<Process> ReadOtherProcesses(
    Seconds patience, std::optional<pid_t> ancestor = std::nullopt);

/// The same for those below `ancestor`, and of them those that `is_asked` is
/// true of. No other is disturbed, so this may be done often; but processes in
/// a pid namespace of their own are not found.
std::vector<Process> ReadProcessesBelow(
    pid_t ancestor, Seconds patience,
    const std::function<bool(pid_t)>& is_asked);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROCESSES_H_
