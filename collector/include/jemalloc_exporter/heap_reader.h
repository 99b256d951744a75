#ifndef JEMALLOC_EXPORTER_HEAP_READER_H_
#define JEMALLOC_EXPORTER_HEAP_READER_H_

#include <cstddef>

#include "jemalloc_exporter/heap_options.h"
#include "jemalloc_exporter/heap_state.h"
#include "jemalloc_exporter/heap_statistics.h"

namespace jemalloc_exporter {

/// jemalloc's control function, mallctl(3). Builds name it `mallctl`,
/// `je_mallctl` or `_rjem_mallctl`.
using Mallctl = int(const char* name, void* oldp, std::size_t* oldlenp,
                    void* newp, std::size_t newlen);

/// Returns the first of `mallctl`, `je_mallctl` and `_rjem_mallctl` that this
/// program or one of its libraries defines; null where none is defined.
///
/// They are weak references: this library never links or loads jemalloc. Builds
/// with another prefix or with hidden symbols cannot be found this way; pass
/// their function to `ReadHeap` or `HeapCollectable`. So can a program that has
/// several. A reference does not extract a member of a static archive: the
/// program must allocate from that jemalloc. Thread-safe.
Mallctl* FindMallctl() noexcept;

/// The state of the heap at one instant, and whether the program uses it.
struct HeapSnapshot {
  /// The values that jemalloc returned. An unused jemalloc has arenas and a few
  /// resident and mapped bytes, too.
  HeapState state = {};

  /// False where jemalloc is linked but nothing allocates from it: no byte is
  /// allocated beyond `stats.arenas.4096.internal`, jemalloc's own allocations
  /// (the caches of threads that called it, the calling one included). True
  /// where jemalloc has no statistics, because it cannot be determined there.
  bool used = true;

  /// Further numbers of the same refresh, and the options of this jemalloc.
  HeapStatistics statistics = {};
  HeapOptions options = {};

  /// The values to publish: empty where the heap is unused, since jemalloc's
  /// own few bytes are not the program's heap.
  constexpr HeapState visible_state() const {
    return used ? state : HeapState{};
  }
  constexpr HeapStatistics visible_statistics() const {
    return used ? statistics : HeapStatistics{};
  }
  constexpr HeapOptions visible_options() const {
    return used ? options : HeapOptions{};
  }
};

/// Reads the heap: advances `epoch` once, then reads every field, the
/// statistics and the options.
///
/// A build without statistics (`config.stats` false) has arenas, threads and
/// pages only: `active_bytes` is `stats.arenas.4096.pactive * arenas.page`,
/// which equals `stats.active`. Its other byte fields are absent.
///
/// A field that cannot be read is absent and costs no other field; without a
/// `mallctl`, or when the epoch cannot be advanced, the state is empty. When
/// another thread refreshes the statistics in between, the fields are read
/// again, a few times at most. `HeapStatistics::zero_reallocs` and the limit
/// on arenas are not of a refresh, but live.
///
/// Never throws, logs or aborts; allocates nothing. Thread-safe, also in a
/// forked child. Concurrent callers share one refresh: a call during a refresh
/// waits for it and returns its result, which is as old as that refresh. The
/// cost is that of the epoch, which takes locks of every arena: about 10 us
/// with one arena, 10 ms with hundreds. The reads take 25 us more.
HeapSnapshot ReadHeap(Mallctl* mallctl = FindMallctl()) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_READER_H_
