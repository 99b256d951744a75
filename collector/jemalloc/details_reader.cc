#include "collector/jemalloc/details_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "collector/jemalloc/mallctl_value.h"

namespace jemalloc_exporter {
namespace {

using Value = std::optional<std::uint64_t>;

// MALLCTL_ARENAS_ALL: arenas have smaller indices.
constexpr unsigned kArenasAll = 4096;

// Reads values with a common beginning of their names.
class Group {
 public:
  Group(Mallctl* mallctl, MallctlName prefix)
      : mallctl_(mallctl), prefix_(prefix) {}

  template <typename T>
  std::optional<T> Read(std::string_view key) const {
    MallctlName name = prefix_;
    return ReadAs<T>(mallctl_, name.Append(key).c_str());
  }

 private:
  Mallctl* mallctl_;
  MallctlName prefix_;
};

MallctlName Numbered(std::string_view prefix, unsigned number) {
  MallctlName name;
  return name.Append(prefix).Append(std::uint64_t{number}).Append(".");
}

// Four classes for each doubling: 1 to 8 pages, then 10, 12, 14, 16, 20, …
std::uint64_t SizeOfPageClass(unsigned index, std::uint64_t page_size) {
  constexpr unsigned kClasses = 4;
  const std::uint64_t step = index % kClasses + 1;
  if (index < kClasses) return step * page_size;
  return (kClasses + step) * page_size << (index / kClasses - 1);
}

class DetailsReader {
 public:
  explicit DetailsReader(Mallctl* mallctl)
      : mallctl_(mallctl),
        has_destroyed_arenas_(
            ReadAs<bool>(mallctl, "arena.4097.initialized").value_or(false)) {}

  bool ReadBins(HeapRows<BinDetails, kMaxBins>* rows) const {
    const auto count = ReadAs<unsigned>(mallctl_, "arenas.nbins");
    if (!count || *count > kMaxBins) return false;
    bool has_statistics = false;
    for (unsigned bin = 0; bin < *count; ++bin) {
      const BinDetails row = ReadBin(bin);
      has_statistics |= row.live || row.slabs || row.requests;
      const bool is_used = row.live.value_or(0) > 0 ||
                           row.slabs.value_or(0) > 0 ||
                           row.requests.value_or(0) > 0;
      if (row.size && is_used) rows->Add(row);
    }
    return has_statistics;
  }

  // The set depends on each counter: without one, the counts of larger sizes
  // would look as if they had been reset.
  bool ReadSizes(HeapRows<SizeDetails, kMaxSizes>* rows) const {
    const auto bins = ReadAs<unsigned>(mallctl_, "arenas.nbins");
    const auto large = ReadAs<unsigned>(mallctl_, "arenas.nlextents");
    if (!bins || !large || *bins > kMaxSizes || *large > kMaxSizes - *bins) {
      return false;
    }
    return ReadSizes("arenas.bin.", "bins.", *bins, rows) &&
           ReadSizes("arenas.lextent.", "lextents.", *large, rows);
  }

  bool ReadLocks(LockDetails (&locks)[kHeapLockCount]) const {
    bool has_lock = false;
    for (std::size_t i = 0; i < kHeapLockCount; ++i) {
      const HeapLock& lock = kHeapLocks[i];
      if (lock.option != nullptr &&
          !ReadAs<bool>(mallctl_, lock.option).value_or(false)) {
        continue;
      }
      locks[i] = {.acquisitions = ReadLock(lock, "num_ops"),
                  .waits = ReadLock(lock, "num_wait"),
                  .wait_nanoseconds = ReadLock(lock, "total_wait_time")};
      has_lock |= locks[i].any();
    }
    return has_lock;
  }

  bool ReadArenas(HeapRows<ArenaDetails, kMaxArenaRows>* rows) const {
    const auto count = ReadAs<unsigned>(mallctl_, "arenas.narenas");
    if (!count) return false;
    const auto page_size = ReadAs<std::size_t>(mallctl_, "arenas.page");
    const unsigned limit = std::min(*count, kArenasAll);
    for (unsigned i = 0; i < limit && rows->size() < kMaxArenaRows; ++i) {
      const Group arena(mallctl_, Numbered("arena.", i));
      if (!arena.Read<bool>("initialized").value_or(false)) continue;
      rows->Add(ReadArena(i, page_size));
    }
    return true;
  }

  // No key has the number of classes: they end where no state has one. Bytes
  // are read of classes with extents only, which are few.
  bool ReadExtents(HeapRows<ExtentDetails, kMaxExtents>* rows) const {
    const auto page_size = ReadAs<std::size_t>(mallctl_, "arenas.page");
    if (!page_size) return false;
    for (unsigned i = 0; i < kMaxExtents; ++i) {
      const Group extents(mallctl_, Numbered("stats.arenas.4096.extents.", i));
      const auto dirty = extents.Read<std::size_t>("ndirty");
      const auto muzzy = extents.Read<std::size_t>("nmuzzy");
      const auto retained = extents.Read<std::size_t>("nretained");
      if (!dirty && !muzzy && !retained) return i > 0;
      if (!dirty || !muzzy || !retained) return false;
      ExtentDetails row = {.size = SizeOfPageClass(i, *page_size),
                           .dirty = *dirty,
                           .muzzy = *muzzy,
                           .retained = *retained};
      if (!row.any()) continue;
      const auto dirty_bytes = extents.Read<std::size_t>("dirty_bytes");
      const auto muzzy_bytes = extents.Read<std::size_t>("muzzy_bytes");
      const auto retained_bytes = extents.Read<std::size_t>("retained_bytes");
      if (!dirty_bytes || !muzzy_bytes || !retained_bytes) return false;
      row.dirty_bytes = *dirty_bytes;
      row.muzzy_bytes = *muzzy_bytes;
      row.retained_bytes = *retained_bytes;
      rows->Add(row);
    }
    return true;
  }

 private:
  // A counter of `stats.arenas`, of existing and of destroyed arenas.
  Value ReadCounter(std::string_view group, std::optional<unsigned> number,
                    std::string_view key) const {
    const auto read = [&](std::string_view arenas) -> Value {
      MallctlName name;
      name.Append(arenas).Append(group);
      if (number) name.Append(std::uint64_t{*number});
      return ReadAs<std::uint64_t>(mallctl_, name.Append(key).c_str());
    };
    const Value existing = read(kAllArenas);
    if (!existing || !has_destroyed_arenas_) return existing;
    const Value destroyed = read(kDestroyedArenas);
    if (!destroyed) return std::nullopt;
    return *existing + *destroyed;
  }

  BinDetails ReadBin(unsigned bin) const {
    const Group constants(mallctl_, Numbered("arenas.bin.", bin));
    const Group statistics(mallctl_, Numbered("stats.arenas.4096.bins.", bin));
    return {.size = constants.Read<std::size_t>("size"),
            .slots = constants.Read<std::uint32_t>("nregs"),
            .slab_bytes = constants.Read<std::size_t>("slab_size"),
            .live = statistics.Read<std::size_t>("curregs"),
            .slabs = statistics.Read<std::size_t>("curslabs"),
            .requests = ReadCounter("bins.", bin, ".nrequests")};
  }

  bool ReadSizes(std::string_view constants, std::string_view group,
                 unsigned count, HeapRows<SizeDetails, kMaxSizes>* rows) const {
    for (unsigned i = 0; i < count; ++i) {
      const Value requests = ReadCounter(group, i, ".nrequests");
      if (!requests) return false;
      if (*requests == 0) continue;
      const auto size =
          Group(mallctl_, Numbered(constants, i)).Read<std::size_t>("size");
      if (!size) return false;
      rows->Add({.size = *size, .requests = *requests});
    }
    return true;
  }

  Value ReadLock(const HeapLock& lock, std::string_view counter) const {
    switch (lock.scope) {
      case HeapLock::Scope::kBins:
        return SumOfBins(counter);
      case HeapLock::Scope::kArenas: {
        MallctlName group;
        group.Append("mutexes.").Append(lock.name).Append(".");
        return ReadCounter(group.c_str(), std::nullopt, counter);
      }
      case HeapLock::Scope::kProcess:
        break;
    }
    MallctlName group;
    group.Append("stats.mutexes.").Append(lock.name).Append(".");
    return Group(mallctl_, group).Read<std::uint64_t>(counter);
  }

  Value SumOfBins(std::string_view counter) const {
    const auto count = ReadAs<unsigned>(mallctl_, "arenas.nbins");
    if (!count || *count > kMaxBins) return std::nullopt;
    MallctlName key;
    key.Append(".mutex.").Append(counter);
    std::uint64_t sum = 0;
    for (unsigned bin = 0; bin < *count; ++bin) {
      const Value value = ReadCounter("bins.", bin, key.c_str());
      if (!value) return std::nullopt;
      sum += *value;
    }
    return sum;
  }

  ArenaDetails ReadArena(unsigned index,
                         std::optional<std::size_t> page_size) const {
    const Group arena(mallctl_, Numbered("stats.arenas.", index));
    const auto pages = [&](std::string_view key) -> Value {
      const auto count = arena.Read<std::size_t>(key);
      if (!count || !page_size) return std::nullopt;
      return *count * *page_size;
    };
    return {.arena = index,
            .active_bytes = pages("pactive"),
            .dirty_bytes = pages("pdirty"),
            .small_allocated_bytes = arena.Read<std::size_t>("small.allocated"),
            .large_allocated_bytes = arena.Read<std::size_t>("large.allocated"),
            .threads = arena.Read<unsigned>("nthreads")};
  }

  Mallctl* mallctl_;
  bool has_destroyed_arenas_;
};

}  // namespace

void ReadDetails(Mallctl* mallctl, HeapDetailSets requested,
                 HeapDetails* details) {
  details->Clear();
  if (!requested.any()) return;
  const DetailsReader reader(mallctl);
  HeapDetailSets& sets = details->sets;
  sets.bins = requested.bins && reader.ReadBins(&details->bins);
  sets.sizes = requested.sizes && reader.ReadSizes(&details->sizes);
  sets.locks = requested.locks && reader.ReadLocks(details->locks);
  sets.arenas = requested.arenas && reader.ReadArenas(&details->arenas);
  sets.extents = requested.extents && reader.ReadExtents(&details->extents);
}

}  // namespace jemalloc_exporter
