#include "exporter/process/process.h"

#include <unistd.h>

#include "exporter/agent/protocol.h"
#include "exporter/process/proc_stat.h"
#include "exporter/text/sanitize_label.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

std::string_view ToString(ProcessStatus status) {
  switch (status) {
    case ProcessStatus::kUsed:
      return "used";
    case ProcessStatus::kUnused:
      return "unused";
    case ProcessStatus::kUnreachable:
      break;
  }
  return "unreachable";
}

Process ReadThisProcess() {
  const HeapSnapshot reading = ReadHeap();
  Process process;
  process.pid = getpid();
  process.status = reading.used ? ProcessStatus::kUsed : ProcessStatus::kUnused;
  process.heap_state = reading.visible_state();
  if (const auto stat = ReadProcStat(process.pid)) {
    process.comm = SanitizeLabel(stat->comm, kMaxCommSize);
    process.resident_memory_bytes = stat->resident_memory_bytes;
    process.start_time_seconds = stat->start_time_seconds;
  }
  return process;
}

}  // namespace jemalloc_exporter
