#ifndef JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_READING_H_
#define JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_READING_H_

#include <chrono>
#include <optional>

#include "jemalloc_exporter/heap_reader.h"
#include "jemalloc_exporter/heap_report.h"
#include "jemalloc_exporter/thread_bytes.h"

namespace jemalloc_exporter {

/// What is read on either side of a test, on the test's thread. Reading it
/// allocates nothing, and flushes the thread's cache, so that the heap holds
/// just what the program does.
struct TestReading {
  HeapReading heap;
  std::optional<ThreadBytes> thread;
  std::chrono::steady_clock::time_point time;
};

/// The last thing to do before a test.
TestReading ReadBeforeTest(Mallctl* mallctl) noexcept;

/// The first thing to do after one.
TestReading ReadAfterTest(Mallctl* mallctl) noexcept;

/// What happened in between; without a name and a result.
HeapReportEntry RecordBetween(const TestReading& before,
                              const TestReading& after);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_READING_H_
