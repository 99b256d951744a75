#ifndef JEMALLOC_EXPORTER_HEAP_REPORT_H_
#define JEMALLOC_EXPORTER_HEAP_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// The effect of one test's last run on the heap; or that of a whole run of
/// tests, or of a process. Heap fields are absent where jemalloc is missing or
/// linked but unused.
struct HeapReportEntry {
  /// A test's full name in the form that `--gtest_filter` takes (`Suite.Test`);
  /// of a run or a process the program's name. Valid UTF-8.
  std::string name;

  /// `passed`, `failed` or `skipped`; `running` before the end, and in a report
  /// whose program was killed; `ended` for a process below a command, whose
  /// status only its parent receives.
  std::string result;

  /// Wall-clock time from start to end. Absent while `running`.
  std::optional<double> duration_seconds;

  /// `after.allocated_bytes - before.allocated_bytes`, of all threads of the
  /// process. Negative when more was freed than allocated. For a process, whose
  /// heap was empty at its start, the bytes allocated in its last snapshot.
  /// Exact for a test without other threads.
  std::optional<std::int64_t> heap_growth_bytes;

  /// Bytes that the test's own thread allocated and freed during the test,
  /// exact to the byte (see `ThreadAllocationCounters`); other threads are not
  /// counted.
  std::optional<std::int64_t> allocated_bytes;
  std::optional<std::int64_t> freed_bytes;

  /// Allocations below four pages, usually 16 KiB, and from there on, of all
  /// threads of the process. For a process the number since its start, or since
  /// that of the parent that forked it. Exact for a test without other threads:
  /// its thread's cache is flushed before and after. Those of other threads are
  /// counted when their caches are filled or flushed, which may be later.
  std::optional<std::int64_t> small_allocations;
  std::optional<std::int64_t> large_allocations;

  /// The visible heap state of the process before and after.
  HeapState before;
  HeapState after;
};

/// The names and the HELP of one number of a `HeapReportEntry`.
struct HeapReportField {
  std::optional<std::int64_t> HeapReportEntry::*value;
  /// The key in the report's JSON and in its diff.
  std::string_view key;
  /// The gauge's name, and the property's in GoogleTest's XML and JSON.
  std::string_view metric;
  /// The gauge's HELP: ends with the mallctl name in parentheses.
  std::string_view help;
};

/// One row for each number, in the order of every rendering.
inline constexpr HeapReportField kHeapReportFields[] = {
    {&HeapReportEntry::heap_growth_bytes, "heap_growth_bytes",
     "jemalloc_test_heap_growth_bytes",
     "Change of the process's bytes in live allocations over the test's last "
     "run (stats.allocated)"},
    {&HeapReportEntry::allocated_bytes, "allocated_bytes",
     "jemalloc_test_allocated_bytes",
     "Bytes that the test's own thread allocated in its last run "
     "(thread.allocatedp)"},
    {&HeapReportEntry::freed_bytes, "freed_bytes", "jemalloc_test_freed_bytes",
     "Bytes that the test's own thread freed in its last run "
     "(thread.deallocatedp)"},
    {&HeapReportEntry::small_allocations, "small_allocations",
     "jemalloc_test_small_allocations",
     "Allocations below four pages, usually 16 KiB, of the process over the "
     "test's last run (stats.arenas.4096.small.nrequests)"},
    {&HeapReportEntry::large_allocations, "large_allocations",
     "jemalloc_test_large_allocations",
     "Allocations of four pages, usually 16 KiB, or more of the process over "
     "the test's last run (stats.arenas.4096.large.nrequests)"},
};

/// The report of a run of tests: the run and its tests. Or, by
/// `jemalloc_exporter exec --report`, a command and the processes below it.
struct HeapReport {
  HeapReportEntry run;
  std::vector<HeapReportEntry> entries;
  /// How many entries were evicted to bound memory.
  std::uint64_t entries_evicted = 0;
};

/// The report as one JSON object, ending with a newline, with one line for each
/// entry:
///
///     {"run":{"name":"cache_test","result":"passed","duration_seconds":0.5,
///      "heap_state":{"before":{…},"after":{…}}},
///     "entries_evicted":0,
///     "entries":[
///     {"name":"Cache.Evicts","result":"passed","duration_seconds":0.01,
///      "heap_growth_bytes":0,"allocated_bytes":4096,"freed_bytes":4096,
///      "small_allocations":1,"large_allocations":0,
///      "heap_state":{"before":{…},"after":{…}}}
///     ]}
///
/// (each entry on a single line). Absent numbers and empty states are omitted.
/// States are in the format of `ToJson(HeapState)`. Thread-safe.
std::string ToJson(const HeapReport& report);

/// True if `json` is an object with a key `run`: a report, valid or not, and
/// not a snapshot for `FromJson`. Never throws. Thread-safe.
bool IsHeapReport(std::string_view json);

/// Parses the output of `ToJson(HeapReport)`. Unknown keys are ignored and
/// missing ones absent; everything else is rejected: nothing is returned, and
/// `error`, if given, receives one line with the path and the reason. Never
/// throws. Thread-safe.
std::optional<HeapReport> ParseHeapReport(std::string_view json,
                                          std::string* error = nullptr);

/// The entries that differ between two reports: a line `name key: before →
/// after` for a result and for each of `kHeapReportFields` that differs, sorted
/// by name, `(unknown)` on the side where it is absent. Empty when nothing
/// differs. Durations and heap states are not compared: they differ from run to
/// run. Thread-safe.
std::string Diff(const HeapReport& before, const HeapReport& after);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_REPORT_H_
