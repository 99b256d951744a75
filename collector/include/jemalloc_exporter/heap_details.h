#ifndef JEMALLOC_EXPORTER_HEAP_DETAILS_H_
#define JEMALLOC_EXPORTER_HEAP_DETAILS_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// Sets of statistics that are read on request only, because of their number.
struct HeapDetailSets {
  bool bins = false;     ///< Size classes below four pages, and their slabs.
  bool sizes = false;    ///< Number of allocations of each size class.
  bool locks = false;    ///< Use of jemalloc's mutexes.
  bool arenas = false;   ///< Arenas that have been used.
  bool extents = false;  ///< Unused extents, by size and state.

  constexpr bool any() const {
    return bins || sizes || locks || arenas || extents;
  }
  static constexpr HeapDetailSets All() {
    return {true, true, true, true, true};
  }
};

constexpr HeapDetailSets operator&(HeapDetailSets a, HeapDetailSets b) {
  return {a.bins && b.bins, a.sizes && b.sizes, a.locks && b.locks,
          a.arenas && b.arenas, a.extents && b.extents};
}

constexpr bool operator==(HeapDetailSets a, HeapDetailSets b) {
  return a.bins == b.bins && a.sizes == b.sizes && a.locks == b.locks &&
         a.arenas == b.arenas && a.extents == b.extents;
}

constexpr bool operator!=(HeapDetailSets a, HeapDetailSets b) {
  return !(a == b);
}

/// Rows in an array of a fixed size: nothing is allocated.
template <typename Row, std::size_t kCapacity>
class HeapRows {
 public:
  /// False where `kCapacity` rows are present; then `row` is ignored.
  constexpr bool Add(const Row& row) {
    if (size_ == kCapacity) return false;
    rows_[size_++] = row;
    return true;
  }

  constexpr void Clear() { size_ = 0; }

  constexpr const Row* begin() const { return rows_; }
  constexpr const Row* end() const { return rows_ + size_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const Row& operator[](std::size_t i) const { return rows_[i]; }

 private:
  Row rows_[kCapacity] = {};
  std::size_t size_ = 0;
};

/// A size class below four pages, usually 16 KiB. Its objects are in slabs of
/// equal size. A value that could not be read is absent. Source:
/// `arenas.bin.<j>` for the first three, `stats.arenas.4096.bins.<j>` for the
/// others.
struct BinDetails {
  std::optional<std::uint64_t> size = {};        ///< Bytes of an object.
  std::optional<std::uint64_t> slots = {};       ///< Objects that a slab holds.
  std::optional<std::uint64_t> slab_bytes = {};  ///< Bytes of a slab.
  std::optional<std::uint64_t> live = {};   ///< Live objects, those in thread
                                            ///< caches included.
  std::optional<std::uint64_t> slabs = {};  ///< Slabs with a live object.
  std::optional<std::uint64_t> requests = {};  ///< As `SizeDetails::requests`.
};

/// A size class, small or large.
struct SizeDetails {
  std::uint64_t size = 0;  ///< Bytes of an object.
  /// Number of allocations that the program made; never decreases. Those of an
  /// idle thread may be counted late. Source: `nrequests` of
  /// `stats.arenas.4096.bins.<j>` or `.lextents.<j>`, destroyed arenas
  /// included.
  std::uint64_t requests = 0;
};

/// The counters of a mutex. They never decrease, but for
/// `stats.mutexes.reset`, which only the program can call.
struct LockDetails {
  std::optional<std::uint64_t> acquisitions = {};  ///< `num_ops`.
  std::optional<std::uint64_t> waits = {};  ///< `num_wait`: a thread slept.
  /// `total_wait_time`, in nanoseconds, in steps of the kernel's tick.
  std::optional<std::uint64_t> wait_nanoseconds = {};

  constexpr bool any() const {
    return acquisitions || waits || wait_nanoseconds;
  }
};

/// An arena that has been used. Source: `stats.arenas.<i>`; bytes of pages are
/// `pactive` and `pdirty` in pages of `arenas.page` bytes.
struct ArenaDetails {
  std::optional<std::uint64_t> arena = {};  ///< The index.
  std::optional<std::uint64_t> active_bytes = {};
  std::optional<std::uint64_t> dirty_bytes = {};
  std::optional<std::uint64_t> small_allocated_bytes = {};
  std::optional<std::uint64_t> large_allocated_bytes = {};
  std::optional<std::uint64_t> threads = {};
};

/// Unused extents of one size class: ranges of pages that hold no allocation.
/// Their dirty and muzzy bytes add up to those of `HeapStatistics`. Source:
/// `stats.arenas.4096.extents.<j>`.
struct ExtentDetails {
  /// Bytes of the class: extents have at most this size, and more than that of
  /// the class before. Computed of `arenas.page` and <j>.
  std::uint64_t size = 0;
  std::uint64_t dirty = 0;           ///< Number of extents: `ndirty`.
  std::uint64_t dirty_bytes = 0;     ///< Resident until they are purged.
  std::uint64_t muzzy = 0;           ///< `nmuzzy`.
  std::uint64_t muzzy_bytes = 0;     ///< Resident until the kernel takes them.
  std::uint64_t retained = 0;        ///< `nretained`.
  std::uint64_t retained_bytes = 0;  ///< Address space only.

  constexpr bool any() const { return dirty > 0 || muzzy > 0 || retained > 0; }
};

/// A mutex of jemalloc, or several that are added up.
struct HeapLock {
  enum class Scope {
    kBins,    ///< `stats.arenas.<i>.bins.<j>.mutex`, the sum of all bins.
    kArenas,  ///< `stats.arenas.<i>.mutexes.NAME`.
    kProcess  ///< `stats.mutexes.NAME`.
  };

  std::string_view name;
  Scope scope;
  /// The option without which it is not used; null where it always is.
  const char* option;
};

/// One row for each mutex that is read, in the order of every rendering.
inline constexpr HeapLock kHeapLocks[] = {
    {"bins", HeapLock::Scope::kBins, nullptr},
    {"large", HeapLock::Scope::kArenas, nullptr},
    {"extent_avail", HeapLock::Scope::kArenas, nullptr},
    {"extents_dirty", HeapLock::Scope::kArenas, nullptr},
    {"extents_muzzy", HeapLock::Scope::kArenas, nullptr},
    {"extents_retained", HeapLock::Scope::kArenas, nullptr},
    {"decay_dirty", HeapLock::Scope::kArenas, nullptr},
    {"decay_muzzy", HeapLock::Scope::kArenas, nullptr},
    {"base", HeapLock::Scope::kArenas, nullptr},
    {"tcache_list", HeapLock::Scope::kArenas, nullptr},
    {"hpa_shard", HeapLock::Scope::kArenas, "opt.hpa"},
    {"hpa_shard_grow", HeapLock::Scope::kArenas, "opt.hpa"},
    {"hpa_sec", HeapLock::Scope::kArenas, "opt.hpa"},
    {"background_thread", HeapLock::Scope::kProcess, nullptr},
    {"ctl", HeapLock::Scope::kProcess, nullptr},
    {"prof", HeapLock::Scope::kProcess, "opt.prof"},
    {"prof_thds_data", HeapLock::Scope::kProcess, "opt.prof"},
    {"prof_dump", HeapLock::Scope::kProcess, "opt.prof"},
};
inline constexpr std::size_t kHeapLockCount = std::size(kHeapLocks);

/// Size classes of jemalloc 5 on 64-bit machines: 36 bins with pages of 4 KiB,
/// 52 with pages of 64 KiB; 232 classes in all. A jemalloc with more has no
/// such set.
inline constexpr std::size_t kMaxBins = 56;
inline constexpr std::size_t kMaxSizes = 240;

/// 199 classes of extents with pages of 4 KiB, fewer with larger pages.
inline constexpr std::size_t kMaxExtents = 200;

/// Of the arenas in use, those with the lowest indices are read.
inline constexpr std::size_t kMaxArenaRows = 64;

/// What was read of the requested sets. A plain value type of about 28 KiB.
struct HeapDetails {
  /// The sets that are present. Absent: not requested, or a build without
  /// statistics, or a count or a counter on which the whole set depends could
  /// not be read.
  HeapDetailSets sets;
  /// Classes that have been used, in ascending order of size.
  HeapRows<BinDetails, kMaxBins> bins;
  /// Classes with a request, in ascending order of size.
  HeapRows<SizeDetails, kMaxSizes> sizes;
  /// The counters of each row of `kHeapLocks`, by index.
  LockDetails locks[kHeapLockCount];
  /// In ascending order of the index.
  HeapRows<ArenaDetails, kMaxArenaRows> arenas;
  /// Classes with an extent, in ascending order of size.
  HeapRows<ExtentDetails, kMaxExtents> extents;

  constexpr void Clear() {
    sets = {};
    bins.Clear();
    sizes.Clear();
    for (LockDetails& lock : locks) lock = {};
    arenas.Clear();
    extents.Clear();
  }
};

/// `ReadHeap`, and the requested sets as of the same refresh, in `details`.
/// They are absent where the heap is unused.
///
/// Never throws, logs or aborts; allocates nothing. Thread-safe. Always a
/// refresh of its own, not shared with concurrent callers. Beyond the refresh
/// it takes up to 0.4 ms, mostly for `extents` and `sizes`.
HeapSnapshot ReadHeapDetails(HeapDetailSets requested, HeapDetails* details,
                             Mallctl* mallctl = FindMallctl()) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_DETAILS_H_
