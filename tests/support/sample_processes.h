#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_PROCESSES_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_PROCESSES_H_

#include <string>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// A process without numbers.
inline Process ProcessWithStatus(pid_t pid, const std::string& comm,
                                 ProcessStatus status) {
  Process process;
  process.pid = pid;
  process.comm = comm;
  process.status = status;
  return process;
}

/// A process with the numbers of `HeapState::test_fixture` and an RSS of 3 MiB.
inline Process UsedProcess(pid_t pid, const std::string& comm) {
  Process process = ProcessWithStatus(pid, comm, ProcessStatus::kUsed);
  process.heap_state = HeapState::test_fixture();
  process.resident_memory_bytes = 3 << 20;
  return process;
}

/// A process with an unprefixed jemalloc that is used, a second one, and an
/// unused third one.
inline Process ProcessWithSeveralHeaps() {
  HeapState second = HeapState::test_fixture();
  second.allocated_bytes = 3 << 20;
  second.active_bytes = 4 << 20;
  second.mapped_bytes = std::nullopt;
  Process process = ProcessWithStatus(46, "duckdb", ProcessStatus::kUsed);
  process.heaps = {
      {"", "5.3.0", true, HeapState::test_fixture(),
       HeapStatistics::test_fixture(), HeapOptions::test_fixture()},
      {"duckdb_je_",
       "5.3.0-196",
       true,
       second,
       HeapStatistics::test_fixture(),
       {}},
      {"_rjem_", "5.3.0-1", false, {}}};
  process.heaps[1].statistics.zero_reallocs = std::nullopt;
  process.heap_state = SumOfHeaps(process.heaps);
  process.statistics = SumOfStatistics(process.heaps);
  return process;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_PROCESSES_H_
