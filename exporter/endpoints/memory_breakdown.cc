#include "exporter/endpoints/memory_breakdown.h"

#include <algorithm>

namespace jemalloc_exporter {

std::optional<MemoryBreakdown> BreakDownMemory(const Process& process) {
  const HeapState& heap = process.heap_state;
  if (!heap.allocated_bytes && !heap.active_bytes) return std::nullopt;
  const std::uint64_t in_pages =
      heap.active_bytes.value_or(heap.allocated_bytes.value_or(0));
  const std::uint64_t in_heap = heap.resident_bytes.value_or(in_pages);
  const std::uint64_t total = process.resident_memory_bytes.value_or(in_heap);

  MemoryBreakdown breakdown;
  // Raises the sum of all uses so far to `sum`, or to the total.
  std::uint64_t used = 0;
  const auto fill_to = [&](std::uint64_t sum, MemoryUse use) {
    sum = std::clamp(sum, used, std::max(used, total));
    breakdown.bytes.at(static_cast<std::size_t>(use)) += sum - used;
    used = sum;
  };
  if (heap.allocated_bytes) fill_to(*heap.allocated_bytes, MemoryUse::kLive);
  if (heap.active_bytes && heap.allocated_bytes) {
    // From an agent that does not return it, the padding is absent.
    const std::uint64_t padding =
        process.statistics.large_padding_bytes.value_or(0);
    fill_to(*heap.active_bytes - std::min(*heap.active_bytes, padding),
            MemoryUse::kFragmentation);
    fill_to(*heap.active_bytes, MemoryUse::kPadding);
  } else if (heap.active_bytes) {
    fill_to(*heap.active_bytes, MemoryUse::kActive);
  }
  if (heap.resident_bytes) {
    fill_to(*heap.resident_bytes,
            heap.active_bytes ? MemoryUse::kRetained : MemoryUse::kUnknown);
  }
  fill_to(total,
          heap.resident_bytes ? MemoryUse::kOutside : MemoryUse::kUnknown);
  return breakdown;
}

}  // namespace jemalloc_exporter
