#ifndef JEMALLOC_EXPORTER_HEAP_STATISTICS_H_
#define JEMALLOC_EXPORTER_HEAP_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// Further statistics of jemalloc, beside `HeapState`, of the same refresh.
///
/// A value is absent where it could not be read: an older jemalloc, a build
/// without statistics, a failed read. Absent never means zero. Gauges in bytes
/// nest (allocated bytes are in active bytes, these in resident bytes): do not
/// add them up. While other threads run, identities between the values hold
/// approximately only: clamp a difference at 0.
///
/// Counters include destroyed arenas (`stats.arenas.4097`), so that they never
/// decrease. The child of fork(2) continues from its parent's values.
///
/// Later versions may add values: iterate over `kHeapStatistics`. A plain value
/// type, as thread-safe as an `int`.
struct HeapStatistics {
  using Value = std::optional<std::uint64_t>;

  /// Address space in bytes, kept for reuse after its pages went back to the
  /// kernel. Occupies no memory.
  Value retained_bytes;
  /// Bytes of jemalloc's own bookkeeping.
  Value metadata_bytes;
  /// The part of `metadata_bytes` that `HeapState::allocated_bytes` counts too:
  /// the structures of thread caches.
  Value internal_bytes;
  /// Bytes in freed pages that jemalloc holds for the next allocation. Also in
  /// builds without statistics.
  Value dirty_bytes;
  /// Bytes in freed pages offered to the kernel with MADV_FREE. It counts them
  /// as resident until it is short of memory; jemalloc 5.3 does not. Also in
  /// builds without statistics.
  Value muzzy_bytes;
  /// Bytes of freed objects in the caches of threads; part of
  /// `HeapState::allocated_bytes`. Approximate while threads run.
  Value thread_cache_bytes;
  /// Bytes of the extra page of each live allocation of four pages, usually 16
  /// KiB, or more, which distributes them over the lines of the processor's
  /// cache; 0 with the option `cache_oblivious:false`. Bytes of slabs without
  /// an object are `active_bytes - allocated_bytes - large_padding_bytes`.
  Value large_padding_bytes;
  /// Live bytes in objects below four pages, usually 16 KiB, and from there on.
  /// The sum is `HeapState::allocated_bytes`.
  Value small_allocated_bytes;
  Value large_allocated_bytes;

  /// Number of allocations that the program made, by size as above. A thread
  /// counts its small ones when its cache is filled, flushed or collected:
  /// those of an idle thread are late.
  Value small_requests;
  Value large_requests;
  /// Number of objects that arenas passed to threads and their caches, and that
  /// came back.
  Value small_arena_allocations;
  Value large_arena_allocations;
  Value small_arena_deallocations;
  Value large_arena_deallocations;
  /// Number of threads that are assigned to arenas, jemalloc's own excluded.
  /// Also in builds without statistics.
  Value threads;
  /// How often a thread's cache of small objects was empty, and was filled
  /// under the lock of an arena's bin. Since jemalloc 5.2.1.
  Value thread_cache_fills;
  /// Number of arenas that have ever been used. Also in builds without
  /// statistics.
  Value arenas_initialized;
  /// Number of passes in which unused pages decayed: dirty pages to muzzy or to
  /// the kernel, muzzy pages to the kernel.
  Value dirty_purges;
  Value muzzy_purges;
  /// Number of extents returned, with one or two system calls for each.
  Value dirty_purge_calls;
  Value muzzy_purge_calls;
  /// Bytes returned: by decay, or immediately because an extent was oversize.
  Value dirty_purged_bytes;
  Value muzzy_purged_bytes;
  /// Number of jemalloc's own threads that run now. With 0, decay happens only
  /// while the program allocates and frees.
  Value background_threads;
  /// How often they woke up. 0 again after they are switched off.
  Value background_thread_runs;
  /// Number of calls of realloc(pointer, 0). Not as of a refresh: live. Since
  /// jemalloc 5.3.0.
  Value zero_reallocs;
  /// How often threads slept for a lock of jemalloc, over all its locks but
  /// those of profiling and of huge page allocation.
  Value lock_waits;
  /// How long they slept, in nanoseconds, measured in steps of the kernel's
  /// tick: shorter waits may count as 0.
  Value lock_wait_nanoseconds;
  /// How long the refresh of the epoch took, in nanoseconds.
  Value refresh_nanoseconds;

  /// A filled value for tests and examples: 1000, 2000 and so on in the order
  /// of `kHeapStatistics`.
  static constexpr HeapStatistics test_fixture();
};

/// The unit of a value in jemalloc. In `HeapStatistics`, pages are bytes; in a
/// metric, nanoseconds are seconds.
enum class MallctlUnit { kPlain, kPages, kNanoseconds };

enum class StatisticKind { kGauge, kCounter };

/// The group of metrics to which a value belongs: see `HeapCollectors`.
enum class HeapCollector {
  kHeap,     ///< What the heap consists of.
  kActivity  ///< What jemalloc does.
};

/// Which groups of metrics are collected.
struct HeapCollectors {
  /// `HeapState`, and `HeapStatistics` of `HeapCollector::kHeap`.
  bool heap = true;
  bool activity = true;  ///< `HeapStatistics` of `HeapCollector::kActivity`.
  bool options = true;   ///< `jemalloc_options_info`.

  constexpr bool Includes(HeapCollector collector) const {
    return collector == HeapCollector::kHeap ? heap : activity;
  }
};

/// The names, the source and the HELP of one value of `HeapStatistics`.
struct HeapStatistic {
  HeapStatistics::Value HeapStatistics::*value;
  /// The value's name: the key in JSON and in every text rendering.
  std::string_view key;
  /// Its name for mallctl(3), null where it is computed from several. A counter
  /// in `stats.arenas.4096` is read from `stats.arenas.4097` too.
  const char* mallctl;
  MallctlType type;
  MallctlUnit unit;
  StatisticKind kind;
  HeapCollector collector;
  /// The metric's name. Rows with the same one follow each other and differ in
  /// `label_value`.
  std::string_view metric;
  /// The name and the value of the series' label; empty where it has none.
  std::string_view label;
  std::string_view label_value;
  /// The metric's HELP; empty in the second row of a metric. Ends with the
  /// mallctl name in parentheses, `*` in place of the label's value.
  std::string_view help;
};

/// One row for each value, in the order of every rendering. The only definition
/// of a value's names.
inline constexpr HeapStatistic kHeapStatistics[] = {
    {&HeapStatistics::retained_bytes, "retained_bytes", "stats.retained",
     MallctlType::kSize, MallctlUnit::kPlain, StatisticKind::kGauge,
     HeapCollector::kHeap, "jemalloc_retained_bytes", "", "",
     "Address space kept for reuse after its pages went back to the kernel; "
     "occupies no memory (stats.retained)"},
    {&HeapStatistics::metadata_bytes, "metadata_bytes", "stats.metadata",
     MallctlType::kSize, MallctlUnit::kPlain, StatisticKind::kGauge,
     HeapCollector::kHeap, "jemalloc_metadata_bytes", "", "",
     "Bytes of jemalloc's own bookkeeping (stats.metadata)"},
    {&HeapStatistics::internal_bytes, "internal_bytes",
     "stats.arenas.4096.internal", MallctlType::kSize, MallctlUnit::kPlain,
     StatisticKind::kGauge, HeapCollector::kHeap, "jemalloc_internal_bytes", "",
     "",
     "The part of the bookkeeping that allocated bytes already count: thread "
     "caches themselves (stats.arenas.4096.internal)"},
    {&HeapStatistics::dirty_bytes, "dirty_bytes", "stats.arenas.4096.pdirty",
     MallctlType::kSize, MallctlUnit::kPages, StatisticKind::kGauge,
     HeapCollector::kHeap, "jemalloc_dirty_bytes", "", "",
     "Bytes in freed pages that jemalloc holds for the next allocation "
     "(stats.arenas.4096.pdirty)"},
    {&HeapStatistics::muzzy_bytes, "muzzy_bytes", "stats.arenas.4096.pmuzzy",
     MallctlType::kSize, MallctlUnit::kPages, StatisticKind::kGauge,
     HeapCollector::kHeap, "jemalloc_muzzy_bytes", "", "",
     "Bytes in freed pages offered to the kernel, which counts them as "
     "resident until it is short of memory (stats.arenas.4096.pmuzzy)"},
    {&HeapStatistics::thread_cache_bytes, "thread_cache_bytes",
     "stats.arenas.4096.tcache_bytes", MallctlType::kSize, MallctlUnit::kPlain,
     StatisticKind::kGauge, HeapCollector::kHeap, "jemalloc_thread_cache_bytes",
     "", "",
     "Bytes of freed objects in the caches of threads; part of allocated "
     "bytes, approximate (stats.arenas.4096.tcache_bytes)"},
    {&HeapStatistics::large_padding_bytes, "large_padding_bytes", nullptr,
     MallctlType::kSize, MallctlUnit::kPlain, StatisticKind::kGauge,
     HeapCollector::kHeap, "jemalloc_large_padding_bytes", "", "",
     "Bytes of the extra page of each live allocation of four pages, usually "
     "16 KiB, or more (stats.arenas.4096.large.nmalloc - large.ndalloc, "
     "opt.cache_oblivious)"},
    {&HeapStatistics::small_allocated_bytes, "small_allocated_bytes",
     "stats.arenas.4096.small.allocated", MallctlType::kSize,
     MallctlUnit::kPlain, StatisticKind::kGauge, HeapCollector::kHeap,
     "jemalloc_class_allocated_bytes", "class", "small",
     "Bytes in live objects below four pages, usually 16 KiB (small), and from "
     "there on (large); their sum is the allocated bytes "
     "(stats.arenas.4096.*.allocated)"},
    {&HeapStatistics::large_allocated_bytes, "large_allocated_bytes",
     "stats.arenas.4096.large.allocated", MallctlType::kSize,
     MallctlUnit::kPlain, StatisticKind::kGauge, HeapCollector::kHeap,
     "jemalloc_class_allocated_bytes", "class", "large", ""},
    {&HeapStatistics::small_requests, "small_requests",
     "stats.arenas.4096.small.nrequests", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_allocations_total", "class", "small",
     "Allocations that the program made; those of an idle thread may be "
     "counted late (stats.arenas.4096.*.nrequests)"},
    {&HeapStatistics::large_requests, "large_requests",
     "stats.arenas.4096.large.nrequests", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_allocations_total", "class", "large", ""},
    {&HeapStatistics::small_arena_allocations, "small_arena_allocations",
     "stats.arenas.4096.small.nmalloc", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_arena_allocations_total", "class", "small",
     "Objects that arenas passed to threads and their caches "
     "(stats.arenas.4096.*.nmalloc)"},
    {&HeapStatistics::large_arena_allocations, "large_arena_allocations",
     "stats.arenas.4096.large.nmalloc", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_arena_allocations_total", "class", "large", ""},
    {&HeapStatistics::small_arena_deallocations, "small_arena_deallocations",
     "stats.arenas.4096.small.ndalloc", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_arena_deallocations_total", "class", "small",
     "Objects that came back to arenas from threads and their caches "
     "(stats.arenas.4096.*.ndalloc)"},
    {&HeapStatistics::large_arena_deallocations, "large_arena_deallocations",
     "stats.arenas.4096.large.ndalloc", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_arena_deallocations_total", "class", "large", ""},
    {&HeapStatistics::threads, "threads", "stats.arenas.4096.nthreads",
     MallctlType::kUnsigned, MallctlUnit::kPlain, StatisticKind::kGauge,
     HeapCollector::kActivity, "jemalloc_threads", "", "",
     "Threads that are assigned to arenas (stats.arenas.4096.nthreads)"},
    {&HeapStatistics::thread_cache_fills, "thread_cache_fills",
     "stats.arenas.4096.small.nfills", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_thread_cache_fills_total", "", "",
     "Times that the cache of a thread was empty and was filled under the lock "
     "of an arena (stats.arenas.4096.small.nfills)"},
    {&HeapStatistics::arenas_initialized, "arenas_initialized", nullptr,
     MallctlType::kSize, MallctlUnit::kPlain, StatisticKind::kGauge,
     HeapCollector::kActivity, "jemalloc_arenas_initialized", "", "",
     "Arenas that have ever been used (arena.<i>.initialized)"},
    {&HeapStatistics::dirty_purges, "dirty_purges",
     "stats.arenas.4096.dirty_npurge", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_purges_total", "state", "dirty",
     "Passes of the decay of unused pages (stats.arenas.4096.*_npurge)"},
    {&HeapStatistics::muzzy_purges, "muzzy_purges",
     "stats.arenas.4096.muzzy_npurge", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_purges_total", "state", "muzzy", ""},
    {&HeapStatistics::dirty_purge_calls, "dirty_purge_calls",
     "stats.arenas.4096.dirty_nmadvise", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_purge_calls_total", "state", "dirty",
     "Extents given back, with one or two system calls for each "
     "(stats.arenas.4096.*_nmadvise)"},
    {&HeapStatistics::muzzy_purge_calls, "muzzy_purge_calls",
     "stats.arenas.4096.muzzy_nmadvise", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_purge_calls_total", "state", "muzzy", ""},
    {&HeapStatistics::dirty_purged_bytes, "dirty_purged_bytes",
     "stats.arenas.4096.dirty_purged", MallctlType::kUint64,
     MallctlUnit::kPages, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_purged_bytes_total", "state", "dirty",
     "Bytes given back, by decay or at once because an extent was oversize "
     "(stats.arenas.4096.*_purged)"},
    {&HeapStatistics::muzzy_purged_bytes, "muzzy_purged_bytes",
     "stats.arenas.4096.muzzy_purged", MallctlType::kUint64,
     MallctlUnit::kPages, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_purged_bytes_total", "state", "muzzy", ""},
    {&HeapStatistics::background_threads, "background_threads",
     "stats.background_thread.num_threads", MallctlType::kSize,
     MallctlUnit::kPlain, StatisticKind::kGauge, HeapCollector::kActivity,
     "jemalloc_background_threads", "", "",
     "Threads of jemalloc that run decay; with 0, decay happens only while the "
     "program allocates and frees (stats.background_thread.num_threads)"},
    {&HeapStatistics::background_thread_runs, "background_thread_runs",
     "stats.background_thread.num_runs", MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_background_thread_runs_total", "", "",
     "Times that the background threads woke up "
     "(stats.background_thread.num_runs)"},
    {&HeapStatistics::zero_reallocs, "zero_reallocs", "stats.zero_reallocs",
     MallctlType::kSize, MallctlUnit::kPlain, StatisticKind::kCounter,
     HeapCollector::kActivity, "jemalloc_zero_reallocs_total", "", "",
     "Calls of realloc(pointer, 0), whose meaning differs between systems "
     "(stats.zero_reallocs)"},
    {&HeapStatistics::lock_waits, "lock_waits", nullptr, MallctlType::kUint64,
     MallctlUnit::kPlain, StatisticKind::kCounter, HeapCollector::kActivity,
     "jemalloc_lock_waits_total", "", "",
     "Times that a thread slept for a lock of jemalloc "
     "(stats.arenas.4096.{bins.<j>.mutex,mutexes.*}.num_wait, "
     "stats.mutexes.*)"},
    {&HeapStatistics::lock_wait_nanoseconds, "lock_wait_nanoseconds", nullptr,
     MallctlType::kUint64, MallctlUnit::kNanoseconds, StatisticKind::kCounter,
     HeapCollector::kActivity, "jemalloc_lock_wait_seconds_total", "", "",
     "Time that threads slept for locks of jemalloc, in steps of the kernel's "
     "tick (total_wait_time of the same locks)"},
    {&HeapStatistics::refresh_nanoseconds, "refresh_nanoseconds", nullptr,
     MallctlType::kUint64, MallctlUnit::kNanoseconds, StatisticKind::kGauge,
     HeapCollector::kActivity, "jemalloc_refresh_seconds", "", "",
     "How long jemalloc took to gather its statistics for this scrape (epoch)"},
};

/// Whether the value is the sum of `stats.arenas.4096` and `stats.arenas.4097`,
/// the arenas that exist and those that were destroyed.
constexpr bool IncludesDestroyedArenas(const HeapStatistic& statistic) {
  if (statistic.kind != StatisticKind::kCounter) return false;
  const char* name = statistic.mallctl;
  if (name == nullptr) return false;
  for (const char c : std::string_view("stats.arenas.4096.")) {
    if (*name++ != c) return false;
  }
  return true;
}

constexpr bool operator==(const HeapStatistics& a, const HeapStatistics& b) {
  for (const HeapStatistic& statistic : kHeapStatistics) {
    if (a.*statistic.value != b.*statistic.value) return false;
  }
  return true;
}

constexpr bool operator!=(const HeapStatistics& a, const HeapStatistics& b) {
  return !(a == b);
}

constexpr HeapStatistics HeapStatistics::test_fixture() {
  HeapStatistics statistics;
  std::uint64_t value = 0;
  for (const HeapStatistic& statistic : kHeapStatistics) {
    value += 1000;
    statistics.*statistic.value = value;
  }
  return statistics;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_STATISTICS_H_
