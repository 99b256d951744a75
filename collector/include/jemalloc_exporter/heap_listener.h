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

/// Reports the effect of each GoogleTest test on the heap: as Prometheus
/// metrics, as properties of the test in GoogleTest's XML and JSON, and as
/// files. One line adds it:
///
///     int main(int argc, char** argv) {
///       testing::InitGoogleTest(&argc, argv);
///       jemalloc_exporter::HeapListener::Install();
///       return RUN_ALL_TESTS();
///     }
///
/// Around each test it flushes the test thread's cache and refreshes jemalloc's
/// statistics, so that a test that frees its allocations has a growth of 0. The
/// listener's own allocations are made between the tests and not counted.
/// GoogleTest's allocations for a failure's message are counted, and so are
/// those of other threads during the test, a scrape included. Where jemalloc is
/// missing or linked but unused, results and durations are reported without
/// heap fields.
///
/// Two environment variables name files that are written after all tests; unset
/// or empty, nothing is written:
///
/// - `JEMALLOC_EXPORTER_TEST_REPORT`: a file for the `HeapReport`. In a
///   folder (it exists, or the name ends in a slash) each process writes a file
///   of its own, `PROGRAM.START.PID.json` with the start in nanoseconds since
///   1970, so that shards and whole test suites can share the folder. A regular
///   file is also written during the run, with `running` as the run's result: a
///   run that is killed leaves its last one. `JEMALLOC_EXPORTER_TEST_SIDECAR`
///   is the deprecated name of this variable, and prints a warning.
/// - `JEMALLOC_EXPORTER_TEST_TEXTFILE`: a file for the metrics in the text
///   format, for node_exporter's textfile collector. Every series has the
///   label `program`; of a sharded run `shard`; with a filter other than `*`,
///   `filter`. In a folder the file is `PROGRAM[.SHARD][.FILTER].prom`, which
///   the next run of the same tests replaces: set a folder where CTest runs a
///   program once for each test (`gtest_discover_tests`), since a plain file
///   would hold the last test only. FILTER is percent-encoded; one of more than
///   120 characters is cut and followed by its hash.
///
/// Each file appears whole or not at all. A file that cannot be written is one
/// line on stderr and fails no test. The processes that death tests start, and
/// other forked children, write nothing. `InstallPushgatewayListener`
/// (pushgateway.h) pushes the metrics to a Pushgateway.
class HeapListener final : public testing::EmptyTestEventListener,
                           public prometheus::Collectable {
 public:
  /// Maximum number of tests whose result is kept. Beyond it, the test whose
  /// heap grew least is evicted, of equals the first by name, so that possible
  /// leaks are kept. 10,000 results take about 6 MB.
  static constexpr std::size_t kMaxTests = 10'000;

  /// Adds a listener to this process's GoogleTest and returns it. GoogleTest
  /// owns it to the end of the process, so the result may be ignored, or passed
  /// to a registry, which holds a weak pointer. Call it after `InitGoogleTest`
  /// and after adding other listeners: the last one is called closest to the
  /// tests, so that allocations of the others are not counted.
  static std::shared_ptr<HeapListener> Install(
      Mallctl* mallctl = FindMallctl());

  /// Constructs a listener without adding it. `mallctl` is the jemalloc to
  /// read; null for a process without one.
  explicit HeapListener(Mallctl* mallctl = FindMallctl());
  ~HeapListener() override;

  /// The gauges of this process's heap now, as `HeapCollectable` has them
  /// without `HeapCollectors::activity` and `options` (do not register both),
  /// and the tests so far: `kHeapReportFields`,
  /// `jemalloc_test_duration_seconds` and `jemalloc_test_result`, each with the
  /// labels `suite` and `test`, and `jemalloc_tests_evicted_total`. The values
  /// are those of a test's last run: when tests are repeated, a leak remains
  /// and state that is built once does not. Thread-safe, also while tests run.
  /// Never throws: without memory it returns an empty vector.
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
