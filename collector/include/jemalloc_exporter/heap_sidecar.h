#ifndef JEMALLOC_EXPORTER_HEAP_SIDECAR_H_
#define JEMALLOC_EXPORTER_HEAP_SIDECAR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// What one test did to the heap when it last ran; or what a whole run of
/// tests, or a process, did. Heap fields are absent where jemalloc is missing
/// or linked but unused.
struct HeapRecord {
  /// A test's full name, as `--gtest_filter` takes it (`Suite.Test`); a run's
  /// or a process's is the program's. Valid UTF-8.
  std::string name;

  /// `passed`, `failed`, `skipped`, or `running` where the end is still to come
  /// or, in a file that is left over, never came; `ended` of a process below a
  /// command, whose result is its parent's to know.
  std::string result;

  /// Wall-clock time from start to end. Absent while `running`.
  std::optional<double> duration_seconds;

  /// `after.allocated_bytes - before.allocated_bytes`: what is there now and
  /// was not before, of every thread of the process. Negative when more was
  /// freed. For a whole process, which began with nothing, what it had
  /// allocated when it was last seen. Exact for a test without other threads.
  std::optional<std::int64_t> heap_growth_bytes;

  /// What the thread that ran the test allocated and freed meanwhile, to the
  /// byte (see `ThreadBytes`); other threads are not counted.
  std::optional<std::int64_t> allocated_bytes;
  std::optional<std::int64_t> freed_bytes;

  /// The heap of the process around it, as it may be published.
  HeapState before;
  HeapState after;
};

/// Everything that this project says of one number of a `HeapRecord`.
struct HeapRecordField {
  std::optional<std::int64_t> HeapRecord::*value;
  /// The key in the sidecar's JSON and in its diff.
  std::string_view key;
  /// The gauge's name, and the property's in GoogleTest's XML and JSON.
  std::string_view metric;
  /// The gauge's HELP: ends with the mallctl name in parentheses.
  std::string_view help;
};

/// One row a number, in the order in which they appear everywhere.
inline constexpr HeapRecordField kHeapRecordFields[] = {
    {&HeapRecord::heap_growth_bytes, "heap_growth_bytes",
     "jemalloc_test_heap_growth_bytes",
     "Change of the process's bytes in live allocations over the test's last "
     "run (stats.allocated)"},
    {&HeapRecord::allocated_bytes, "allocated_bytes",
     "jemalloc_test_allocated_bytes",
     "Bytes that the test's own thread allocated in its last run "
     "(thread.allocatedp)"},
    {&HeapRecord::freed_bytes, "freed_bytes", "jemalloc_test_freed_bytes",
     "Bytes that the test's own thread freed in its last run "
     "(thread.deallocatedp)"},
};

/// What a run of tests leaves beside its results: itself and its tests. Or, of
/// `jemalloc_exporter exec --sidecar`, a command and the processes below it.
struct HeapSidecar {
  HeapRecord run;
  std::vector<HeapRecord> tests;
  /// How many tests ran that are not in `tests`, to bound memory.
  std::uint64_t tests_forgotten = 0;
};

/// The sidecar as one JSON object, ending with a newline, with a line for each
/// test:
///
///     {"run":{"name":"cache_test","result":"passed","duration_seconds":0.5,
///      "heap_state":{"before":{…},"after":{…}}},
///     "tests_forgotten":0,
///     "tests":[
///     {"name":"Cache.Evicts","result":"passed","duration_seconds":0.01,
///      "heap_growth_bytes":0,"allocated_bytes":4096,"freed_bytes":4096,
///      "heap_state":{"before":{…},"after":{…}}}
///     ]}
///
/// (a record stands on one line). Absent numbers and empty states are left out.
/// Every state is what `ToJson(HeapState)` writes and `FromJson` reads.
/// Thread-safe.
std::string ToJson(const HeapSidecar& sidecar);

/// True if `json` is an object with a key `run`: a sidecar, good or bad, and
/// not the snapshot that `FromJson` reads. Never throws. Thread-safe.
bool IsSidecar(std::string_view json);

/// Reads what `ToJson(HeapSidecar)` wrote, as leniently and as strictly as
/// `FromJson`: unknown keys are ignored and missing ones absent; everything
/// else is rejected, and `error`, if given, holds one line that says what is
/// wrong and where. Never throws. Thread-safe.
std::optional<HeapSidecar> SidecarFromJson(std::string_view json,
                                           std::string* error = nullptr);

/// Which tests changed from one run to another: a line `name key: before →
/// after` for a test's result and for each of `kHeapRecordFields` that differs,
/// sorted by name, `(unknown)` on the side where it is absent. Empty when
/// nothing differs. Leaves out what differs from run to run by itself: the
/// durations and the states of the whole heap. Thread-safe.
std::string Diff(const HeapSidecar& before, const HeapSidecar& after);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_SIDECAR_H_
