#ifndef JEMALLOC_EXPORTER_COLLECTOR_TEXT_DETAILS_JSON_H_
#define JEMALLOC_EXPORTER_COLLECTOR_TEXT_DETAILS_JSON_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>

#include "jemalloc_exporter/heap_details.h"

// The JSON of `HeapDetails`, written and parsed by these tables. Needs libc
// only: the agent links it.
//
//     "bins":{"columns":["size",…],"rows":[[8,…],…]},
//     "sizes":{"columns":["size","requests"],"rows":[[8,100],…]},
//     "locks":{"bins":[7,0,0],…},        acquisitions, waits, nanoseconds
//     "arenas":{"columns":["arena",…],"rows":[[0,…],…]},
//     "extents":{"columns":["size",…],"rows":[[4096,…],…]}
//
// A value that could not be read is null.

namespace jemalloc_exporter {

/// A column of a table; `value` is its member of a row.
template <typename Row, typename Value>
struct DetailColumn {
  std::string_view key;
  Value Row::*value;
};

template <typename Row>
using OptionalColumn = DetailColumn<Row, std::optional<std::uint64_t>>;

inline constexpr OptionalColumn<BinDetails> kBinColumns[] = {
    {"size", &BinDetails::size},
    {"slots", &BinDetails::slots},
    {"slab_bytes", &BinDetails::slab_bytes},
    {"live", &BinDetails::live},
    {"slabs", &BinDetails::slabs},
    {"requests", &BinDetails::requests},
};

inline constexpr DetailColumn<SizeDetails, std::uint64_t> kSizeColumns[] = {
    {"size", &SizeDetails::size},
    {"requests", &SizeDetails::requests},
};

inline constexpr OptionalColumn<LockDetails> kLockColumns[] = {
    {"acquisitions", &LockDetails::acquisitions},
    {"waits", &LockDetails::waits},
    {"wait_nanoseconds", &LockDetails::wait_nanoseconds},
};

inline constexpr OptionalColumn<ArenaDetails> kArenaColumns[] = {
    {"arena", &ArenaDetails::arena},
    {"active_bytes", &ArenaDetails::active_bytes},
    {"dirty_bytes", &ArenaDetails::dirty_bytes},
    {"small_allocated_bytes", &ArenaDetails::small_allocated_bytes},
    {"large_allocated_bytes", &ArenaDetails::large_allocated_bytes},
    {"threads", &ArenaDetails::threads},
};

inline constexpr DetailColumn<ExtentDetails, std::uint64_t> kExtentColumns[] = {
    {"size", &ExtentDetails::size},
    {"dirty", &ExtentDetails::dirty},
    {"dirty_bytes", &ExtentDetails::dirty_bytes},
    {"muzzy", &ExtentDetails::muzzy},
    {"muzzy_bytes", &ExtentDetails::muzzy_bytes},
    {"retained", &ExtentDetails::retained},
    {"retained_bytes", &ExtentDetails::retained_bytes},
};

inline constexpr std::string_view kBinsKey = "bins";
inline constexpr std::string_view kSizesKey = "sizes";
inline constexpr std::string_view kLocksKey = "locks";
inline constexpr std::string_view kArenasKey = "arenas";
inline constexpr std::string_view kExtentsKey = "extents";
inline constexpr std::string_view kColumnsKey = "columns";
inline constexpr std::string_view kRowsKey = "rows";

/// Bytes of a row in JSON: a bracket or a comma for each number, a bracket and
/// a comma.
constexpr std::size_t MaxJsonRowSize(std::size_t columns) {
  constexpr std::size_t kMaxDigits =
      std::numeric_limits<std::uint64_t>::digits10 + 1;
  return columns * (kMaxDigits + 1) + 2;
}

/// Bytes of `,"KEY":{"columns":["…",…],"rows":[…]}`.
template <typename Column, std::size_t kColumns>
constexpr std::size_t MaxJsonTableSize(std::string_view key,
                                       const Column (&columns)[kColumns],
                                       std::size_t rows) {
  std::size_t size = key.size() + sizeof(R"(,"":{"columns":[],"rows":[]})");
  for (const Column& column : columns) size += column.key.size() + 3;
  return size + rows * MaxJsonRowSize(kColumns);
}

/// Maximum size in bytes of what `WriteDetailsJson` writes of these sets.
constexpr std::size_t MaxDetailsJsonSize(const HeapDetailSets& sets,
                                         std::size_t bins, std::size_t sizes,
                                         std::size_t arenas,
                                         std::size_t extents) {
  std::size_t size = 0;
  if (sets.bins) size += MaxJsonTableSize(kBinsKey, kBinColumns, bins);
  if (sets.sizes) size += MaxJsonTableSize(kSizesKey, kSizeColumns, sizes);
  if (sets.arenas) size += MaxJsonTableSize(kArenasKey, kArenaColumns, arenas);
  if (sets.extents) {
    size += MaxJsonTableSize(kExtentsKey, kExtentColumns, extents);
  }
  if (!sets.locks) return size;
  size += kLocksKey.size() + sizeof(R"(,"":{})");
  for (const HeapLock& lock : kHeapLocks) {
    size += lock.name.size() + 4 + MaxJsonRowSize(std::size(kLockColumns));
  }
  return size;
}

constexpr std::size_t MaxDetailsJsonSize(const HeapDetails& details) {
  return MaxDetailsJsonSize(details.sets, details.bins.size(),
                            details.sizes.size(), details.arenas.size(),
                            details.extents.size());
}

/// Of all sets but `extents`, which are sent where they fit.
inline constexpr std::size_t kMaxDetailsJsonSize = MaxDetailsJsonSize(
    {.bins = true, .sizes = true, .locks = true, .arenas = true}, kMaxBins,
    kMaxSizes, kMaxArenaRows, 0);

/// Writes a member of an object for each set that is present and in `sets`,
/// each after a comma, at most `MaxDetailsJsonSize(details)` bytes; returns the
/// end.
char* WriteDetailsJson(const HeapDetails& details, char* out,
                       HeapDetailSets sets = HeapDetailSets::All());

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_TEXT_DETAILS_JSON_H_
