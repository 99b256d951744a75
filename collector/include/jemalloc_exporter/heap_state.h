#ifndef JEMALLOC_EXPORTER_HEAP_STATE_H_
#define JEMALLOC_EXPORTER_HEAP_STATE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace jemalloc_exporter {

/// jemalloc's statistics of one process at one instant.
///
/// A field is absent where it could not be read: no jemalloc in the process, a
/// build without statistics, a failed read. Absent never means zero. In a
/// default-constructed state every field is absent. Further numbers are in
/// `HeapStatistics`. Iterate over `kHeapFields`.
///
/// The values are read one after the other while the program runs, so no order
/// between them is guaranteed: do not assert `allocated <= active`.
///
/// A plain value type, as thread-safe as an `int`.
struct HeapState {
  /// Bytes in live allocations, each rounded up to its size class. Counts the
  /// objects parked in thread caches and jemalloc's own internal allocations.
  /// With `opt.prof` each sampled small object takes four pages, usually 16
  /// KiB: up to 3.1 % more at the default rate of one sample for each 512 KiB.
  /// Normally <= `active_bytes`. As of the last refresh of the epoch. Source:
  /// jemalloc(3), `stats.allocated`.
  std::optional<std::uint64_t> allocated_bytes;

  /// Bytes in pages that hold at least one allocation: a multiple of the page
  /// size. `active_bytes - allocated_bytes` is fragmentation and the padding of
  /// large allocations (`HeapStatistics::large_padding_bytes`). Excludes pages
  /// that are only dirty, muzzy or metadata. The only byte field of builds
  /// without statistics. As of the last refresh of the epoch. Source:
  /// jemalloc(3), `stats.active`; without statistics
  /// `stats.arenas.4096.pactive`, in pages of `arenas.page` bytes.
  std::optional<std::uint64_t> active_bytes;

  /// Maximum of the bytes that can be physically resident: active, unused dirty
  /// and metadata pages. A multiple of the page size, normally >=
  /// `active_bytes`; an upper bound, because an untouched page counts too. As
  /// of the last refresh of the epoch. Source: jemalloc(3), `stats.resident`.
  std::optional<std::uint64_t> resident_bytes;

  /// Bytes in active extents mapped by jemalloc, normally >= `active_bytes`.
  /// Excludes inactive extents, even those with dirty pages, so there is no
  /// order between this and `resident_bytes`. As of the last refresh of the
  /// epoch. Source: jemalloc(3), `stats.mapped`.
  std::optional<std::uint64_t> mapped_bytes;

  /// The current limit on the number of arenas; most of them may never have
  /// been used. Live: not refreshed by the epoch, and readable in builds
  /// without statistics. Source: jemalloc(3), `arenas.narenas`.
  std::optional<std::uint64_t> narenas;

  /// A filled state of round, plausible numbers, for tests and examples.
  static constexpr HeapState test_fixture();
};

/// The C type of a mallctl's value. jemalloc rejects any other size, so reading
/// one as the other is an error and not a conversion.
enum class MallctlType {
  kSize,        ///< `size_t`
  kUnsigned,    ///< `unsigned`
  kUint64,      ///< `uint64_t`
  kSignedSize,  ///< `ssize_t`
  kBool,        ///< `bool`
  kString       ///< `const char*`
};

/// The names, the source and the HELP of one field of `HeapState`.
struct HeapField {
  /// The field itself.
  std::optional<std::uint64_t> HeapState::*value;
  /// The field's name: the key in JSON and in every text rendering.
  std::string_view key;
  /// Its name for mallctl(3).
  const char* mallctl;
  MallctlType type;
  /// The gauge's name.
  std::string_view metric;
  /// The gauge's HELP: ends with the mallctl name in parentheses.
  std::string_view help;
};

/// One row for each field, in the order of every rendering. The only definition
/// of a field's names.
inline constexpr HeapField kHeapFields[] = {
    {&HeapState::allocated_bytes, "allocated_bytes", "stats.allocated",
     MallctlType::kSize, "jemalloc_allocated_bytes",
     "Bytes in live allocations, rounded up to size classes, thread caches "
     "included (stats.allocated)"},
    {&HeapState::active_bytes, "active_bytes", "stats.active",
     MallctlType::kSize, "jemalloc_active_bytes",
     "Bytes in pages that hold allocations; the only byte count of builds "
     "without statistics (stats.active)"},
    {&HeapState::resident_bytes, "resident_bytes", "stats.resident",
     MallctlType::kSize, "jemalloc_resident_bytes",
     "Most bytes that can be physically resident: active, dirty and metadata "
     "pages (stats.resident)"},
    {&HeapState::mapped_bytes, "mapped_bytes", "stats.mapped",
     MallctlType::kSize, "jemalloc_mapped_bytes",
     "Bytes in active extents mapped by the allocator (stats.mapped)"},
    {&HeapState::narenas, "narenas", "arenas.narenas", MallctlType::kUnsigned,
     "jemalloc_arenas",
     "Current limit on the number of arenas (arenas.narenas)"},
};

constexpr bool operator==(const HeapState& a, const HeapState& b) {
  for (const HeapField& field : kHeapFields) {
    if (a.*field.value != b.*field.value) return false;
  }
  return true;
}

constexpr bool operator!=(const HeapState& a, const HeapState& b) {
  return !(a == b);
}

constexpr HeapState HeapState::test_fixture() {
  constexpr int kMiB = 1024 * 1024;
  return {/*allocated_bytes=*/kMiB / 2, /*active_bytes=*/kMiB,
          /*resident_bytes=*/2 * kMiB, /*mapped_bytes=*/4 * kMiB,
          /*narenas=*/64};
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_STATE_H_
