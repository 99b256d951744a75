#ifndef JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_SNAPSHOT_H_
#define JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_SNAPSHOT_H_

#include <chrono>
#include <optional>

#include "jemalloc_exporter/heap_reader.h"
#include "jemalloc_exporter/heap_report.h"
#include "jemalloc_exporter/thread_allocation_counters.h"

namespace jemalloc_exporter {

/// The heap and the thread's counters before or after a test, read in the
/// test's thread. Reading allocates nothing. It flushes the thread's cache, so
/// that the heap contains the program's allocations only.
struct TestSnapshot {
  HeapSnapshot heap;
  std::optional<ThreadAllocationCounters> thread;
  std::chrono::steady_clock::time_point time;
};

/// Reads the time last: call it immediately before a test.
TestSnapshot SnapshotBeforeTest(Mallctl* mallctl) noexcept;

/// Reads the time first: call it immediately after a test.
TestSnapshot SnapshotAfterTest(Mallctl* mallctl) noexcept;

/// The change between two snapshots, without a name and a result.
HeapReportEntry DiffSnapshots(const TestSnapshot& before,
                              const TestSnapshot& after);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_SNAPSHOT_H_
