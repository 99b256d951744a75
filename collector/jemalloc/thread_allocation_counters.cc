#include "jemalloc_exporter/thread_allocation_counters.h"

#include <cstddef>

namespace jemalloc_exporter {
namespace {

const std::uint64_t* FindCounter(Mallctl* mallctl, const char* name) {
  std::uint64_t* counter = nullptr;
  std::size_t size = sizeof(counter);
  if (mallctl(name, &counter, &size, nullptr, 0) != 0) return nullptr;
  return size == sizeof(counter) ? counter : nullptr;
}

}  // namespace

std::optional<ThreadAllocationCounters> ReadThreadAllocationCounters(
    Mallctl* mallctl) noexcept {
  if (mallctl == nullptr) return std::nullopt;
  const auto* const allocated = FindCounter(mallctl, "thread.allocatedp");
  const auto* const deallocated = FindCounter(mallctl, "thread.deallocatedp");
  if (allocated == nullptr || deallocated == nullptr) return std::nullopt;
  return ThreadAllocationCounters{*allocated, *deallocated};
}

}  // namespace jemalloc_exporter
