#include "collector/jemalloc/heap_snapshot.h"

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>

#include "collector/jemalloc/details_reader.h"
#include "collector/jemalloc/mallctl_value.h"
#include "collector/jemalloc/statistics_reader.h"
#include "collector/jemalloc/unused_jemalloc.h"

namespace jemalloc_exporter {
namespace {

// How often the fields are read when another thread refreshes the statistics in
// between. With two threads that refresh without a pause, 1 of 700 first
// attempts is torn; no fourth attempt was, and the cost is bounded.
constexpr int kMaxAttempts = 4;

// The active pages of all arenas (MALLCTL_ARENAS_ALL in jemalloc.h), and the
// bytes of a page: also in builds without statistics.
constexpr const char* kActivePages = "stats.arenas.4096.pactive";
constexpr const char* kPageSize = "arenas.page";

// `stats.active` is the sum over the same pages: see ctl_refresh in jemalloc's
// ctl.c.
std::optional<std::uint64_t> ReadActivePages(Mallctl* mallctl) {
  const auto pages = ReadAs<std::size_t>(mallctl, kActivePages);
  const auto page_size = ReadAs<std::size_t>(mallctl, kPageSize);
  if (!pages || !page_size) return std::nullopt;
  return *pages * *page_size;
}

// Refreshes the statistics; returns the number of the refresh.
std::optional<std::uint64_t> AdvanceEpoch(Mallctl* mallctl) {
  std::uint64_t epoch = 1;
  std::size_t size = sizeof(epoch);
  if (mallctl("epoch", &epoch, &size, &epoch, sizeof(epoch)) != 0) {
    return std::nullopt;
  }
  return epoch;
}

std::optional<std::uint64_t> MonotonicNanoseconds() {
  timespec now = {};
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return std::nullopt;
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

HeapSnapshot ReadFields(Mallctl* mallctl, SnapshotScope scope) {
  HeapSnapshot snapshot;
  for (const HeapField& field : kHeapFields) {
    snapshot.state.*field.value =
        ReadUnsigned(mallctl, field.mallctl, field.type);
  }
  auto& active = snapshot.state.active_bytes;
  if (!active) active = ReadActivePages(mallctl);
  snapshot.used = !IsUnused(mallctl, snapshot.state);
  if (scope == SnapshotScope::kAll) {
    snapshot.statistics = ReadStatistics(mallctl, snapshot.state.narenas);
    snapshot.options = ReadOptions(mallctl);
  }
  return snapshot;
}

HeapSnapshot Take(Mallctl* mallctl, SnapshotScope scope,
                  HeapDetailSets requested, HeapDetails* details) {
  if (mallctl == nullptr) return {};
  const auto start = MonotonicNanoseconds();
  std::optional<std::uint64_t> epoch = AdvanceEpoch(mallctl);
  const auto end = MonotonicNanoseconds();
  if (!epoch) return {};
  for (int attempt = 1;; ++attempt) {
    HeapSnapshot snapshot = ReadFields(mallctl, scope);
    if (requested.any() && snapshot.used) {
      ReadDetails(mallctl, requested, details);
    }
    const auto epoch_after = ReadAs<std::uint64_t>(mallctl, "epoch");
    // The other thread's refresh is as recent as one of this thread.
    if (epoch_after == epoch || attempt == kMaxAttempts) {
      if (scope == SnapshotScope::kAll && start && end) {
        snapshot.statistics.refresh_nanoseconds = *end - *start;
      }
      return snapshot;
    }
    epoch = epoch_after;
  }
}

}  // namespace

HeapSnapshot TakeHeapSnapshot(Mallctl* mallctl, SnapshotScope scope) noexcept {
  return Take(mallctl, scope, {}, nullptr);
}

HeapSnapshot TakeHeapSnapshot(Mallctl* mallctl, HeapDetailSets requested,
                              HeapDetails* details) noexcept {
  if (details != nullptr) details->Clear();
  return Take(mallctl, SnapshotScope::kAll, requested, details);
}

}  // namespace jemalloc_exporter
