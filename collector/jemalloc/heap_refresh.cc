#include "collector/jemalloc/heap_refresh.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace jemalloc_exporter {
namespace {

// How often a snapshot is read anew because another thread refreshed the
// statistics meanwhile. Two threads refreshing without a pause tear one in 700
// snapshots; four tries leave none in practice, and bound the cost.
constexpr int kMaxTries = 4;

// The merged statistics of all arenas: MALLCTL_ARENAS_ALL in jemalloc.h.
constexpr const char* kInternalBytes = "stats.arenas.4096.internal";

// On a wrong size jemalloc writes part of the value and fails, so the value
// counts only when both the result and the size say that it is whole.
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

// Refreshes the statistics; returns the number of the refresh.
std::optional<std::uint64_t> AdvanceEpoch(Mallctl* mallctl) {
  std::uint64_t epoch = 1;
  std::size_t size = sizeof(epoch);
  if (mallctl("epoch", &epoch, &size, &epoch, sizeof(epoch)) != 0) {
    return std::nullopt;
  }
  return epoch;
}

HeapReading ReadFields(Mallctl* mallctl) {
  HeapReading reading;
  for (const HeapField& field : kHeapFields) {
    reading.state.*field.value = ReadField(mallctl, field);
  }
  const auto& allocated = reading.state.allocated_bytes;
  if (allocated) {
    reading.used =
        *allocated > ReadAs<std::size_t>(mallctl, kInternalBytes).value_or(0);
  }
  return reading;
}

}  // namespace

HeapReading RefreshHeap(Mallctl* mallctl) noexcept {
  if (mallctl == nullptr) return {};
  std::optional<std::uint64_t> epoch = AdvanceEpoch(mallctl);
  if (!epoch) return {};
  for (int tries = 1;; ++tries) {
    const HeapReading reading = ReadFields(mallctl);
    const auto epoch_after = ReadAs<std::uint64_t>(mallctl, "epoch");
    // The other thread's refresh serves as well as one of our own.
    if (epoch_after == epoch || tries == kMaxTries) return reading;
    epoch = epoch_after;
  }
}

}  // namespace jemalloc_exporter
