#include "collector/jemalloc/heap_snapshot.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace jemalloc_exporter {
namespace {

// How often the fields are read when another thread refreshes the statistics in
// between. With two threads that refresh without a pause, 1 of 700 first
// attempts is torn; no fourth attempt was, and the cost is bounded.
constexpr int kMaxAttempts = 4;

// The merged statistics of all arenas: MALLCTL_ARENAS_ALL in jemalloc.h.
constexpr const char* kInternalBytes = "stats.arenas.4096.internal";

// The active pages of the same, and the bytes of a page: also in builds without
// statistics.
constexpr const char* kActivePages = "stats.arenas.4096.pactive";
constexpr const char* kPageSize = "arenas.page";

// On a wrong size jemalloc writes part of the value and fails, so the value
// counts only when the result is 0 and the size matches.
template <typename T>
std::optional<std::uint64_t> ReadAs(Mallctl* mallctl, const char* name) {
  T value{};
  std::size_t size = sizeof(value);
  if (mallctl(name, &value, &size, nullptr, 0) != 0) return std::nullopt;
  if (size != sizeof(value)) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> ReadField(Mallctl* mallctl,
                                       const HeapField& field) {
  switch (field.type) {
    case MallctlType::kSize:
      return ReadAs<std::size_t>(mallctl, field.mallctl);
    case MallctlType::kUnsigned:
      return ReadAs<unsigned>(mallctl, field.mallctl);
  }
  return std::nullopt;
}

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

HeapSnapshot ReadFields(Mallctl* mallctl) {
  HeapSnapshot snapshot;
  for (const HeapField& field : kHeapFields) {
    snapshot.state.*field.value = ReadField(mallctl, field);
  }
  auto& active = snapshot.state.active_bytes;
  if (!active) active = ReadActivePages(mallctl);
  const auto& allocated = snapshot.state.allocated_bytes;
  if (allocated) {
    snapshot.used =
        *allocated > ReadAs<std::size_t>(mallctl, kInternalBytes).value_or(0);
  }
  return snapshot;
}

}  // namespace

HeapSnapshot TakeHeapSnapshot(Mallctl* mallctl) noexcept {
  if (mallctl == nullptr) return {};
  std::optional<std::uint64_t> epoch = AdvanceEpoch(mallctl);
  if (!epoch) return {};
  for (int attempt = 1;; ++attempt) {
    const HeapSnapshot snapshot = ReadFields(mallctl);
    const auto epoch_after = ReadAs<std::uint64_t>(mallctl, "epoch");
    // The other thread's refresh is as recent as one of this thread.
    if (epoch_after == epoch || attempt == kMaxAttempts) return snapshot;
    epoch = epoch_after;
  }
}

}  // namespace jemalloc_exporter
