#ifndef JEMALLOC_EXPORTER_HEAP_LISTENER_H_
#define JEMALLOC_EXPORTER_HEAP_LISTENER_H_

#include <gtest/gtest.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "jemalloc_exporter/heap_reader.h"
#include "jemalloc_exporter/heap_report.h"

namespace jemalloc_exporter {

/// Says what each GoogleTest test did to the heap: as Prometheus metrics, as
/// properties of the test in GoogleTest's XML and JSON, and as files beside the
/// results. One line adds it:
///
///     int main(int argc, char** argv) {
///       testing::InitGoogleTest(&argc, argv);
///       jemalloc_exporter::HeapListener::Install();
///       return RUN_ALL_TESTS();
///     }
///
/// Around each test it flushes the test thread's cache and refreshes jemalloc's
/// statistics, so that a test which leaves nothing behind shows a growth of 0.
/// What the listener allocates falls between the tests and is charged to none;
/// what GoogleTest allocates for a failure's message, and what other threads do
/// meanwhile (a scrape, too), is in the growth. Where jemalloc is missing or
/// linked but unused, the tests run as ever, and there are results and
/// durations and not one heap field.
///
/// Two environment variables send the outcome somewhere when all tests are
/// over; unset or empty, nothing is written:
///
/// - `JEMALLOC_EXPORTER_TEST_REPORT`: a file for the `HeapReport`. A folder
///   (it exists, or the name ends in a slash) gets a file of its own from each
///   process, `PROGRAM.START.PID.json` with the start in nanoseconds since
///   1970, so that shards and whole test suites can share one. A regular file
///   is also written during the run, with `running` as the run's result: a run
///   that is killed leaves its last one. `JEMALLOC_EXPORTER_TEST_SIDECAR` is
///   the deprecated name of this variable, and prints a warning.
/// - `JEMALLOC_EXPORTER_TEST_TEXTFILE`: a file for the metrics in the text
///   format, for node_exporter's textfile collector. Every series has the
///   label `program`; of a sharded run `shard`; with a filter other than `*`,
///   `filter`. A folder gets `PROGRAM[.SHARD][.FILTER].prom`, which the next
///   run of the same tests replaces: give a folder where CTest runs a program
///   once for each test (`gtest_discover_tests`), since a plain file would hold
///   the last test only. FILTER is percent-encoded; one of more than 120
///   characters is cut and followed by its hash.
///
/// Each file appears whole or not at all. A file that cannot be written is one
/// line on stderr and fails no test. The processes that death tests start, and
/// other forked children, write nothing. `PushAtEnd` (heap_push.h) pushes the
/// metrics to a Pushgateway.
class HeapListener final : public testing::EmptyTestEventListener,
                           public prometheus::Collectable {
 public:
  /// How many tests are remembered. When there are more, the one whose heap
  /// grew least is forgotten, of equals the first by name: what is left is what
  /// may leak. 10,000 of them take some 6 MB.
  static constexpr std::size_t kMaxTests = 10'000;

  /// Adds a listener to this process's GoogleTest and returns it; GoogleTest
  /// keeps it alive to the end of the process, so the result may be ignored or
  /// given to a registry, which holds a weak pointer. Call it after
  /// `InitGoogleTest` and after adding listeners of your own: what is added
  /// last stands closest to the tests.
  static std::shared_ptr<HeapListener> Install(
      Mallctl* mallctl = FindMallctl());

  /// A listener that is nobody's yet. `mallctl` is the jemalloc to ask; null
  /// stands for a process without one.
  explicit HeapListener(Mallctl* mallctl = FindMallctl());
  ~HeapListener() override;

  /// The gauges of this process's heap now, as `HeapCollectable` has them (do
  /// not register both), and the tests so far: `kHeapReportFields`,
  /// `jemalloc_test_duration_seconds` and `jemalloc_test_result`, each with the
  /// labels `suite` and `test`, and `jemalloc_tests_evicted_total`. They tell
  /// of a test's last run: repeated, a leak stays and state that is built once
  /// goes. Thread-safe, also while tests run. Never throws: without memory for
  /// an answer it returns none.
  std::vector<prometheus::MetricFamily> Collect() const override;

  /// The run so far, its tests sorted by name. Thread-safe.
  HeapReport report() const;

  void OnTestProgramStart(const testing::UnitTest& unit_test) override;
  void OnTestStart(const testing::TestInfo& test_info) override;
  void OnTestEnd(const testing::TestInfo& test_info) override;
  void OnTestIterationEnd(const testing::UnitTest& unit_test,
                          int iteration) override;
  void OnTestProgramEnd(const testing::UnitTest& unit_test) override;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_LISTENER_H_
