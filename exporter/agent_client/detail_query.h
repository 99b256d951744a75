#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_DETAIL_QUERY_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_DETAIL_QUERY_H_

#include <functional>
#include <string>

#include "exporter/process/process.h"
#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// The details that processes return.
struct DetailQuery {
  HeapDetailSets sets;
  /// Whether to request them of processes with this `Process::comm`. Empty: of
  /// every process. Must be thread-safe.
  std::function<bool(const std::string&)> includes;

  /// The sets to request of a process with this name.
  HeapDetailSets SetsOf(const std::string& comm) const {
    return !includes || includes(comm) ? sets : HeapDetailSets{};
  }

  /// Removes the sets that were not requested of the process: a late response
  /// may have others, and a process another name than expected.
  void RemoveOthers(Process& process) const;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_DETAIL_QUERY_H_
