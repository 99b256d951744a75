#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_DETAILS_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_DETAILS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "collector/text/details_json.h"
#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// Details with two or three rows in each set.
inline HeapDetails SampleDetails() {
  HeapDetails details;
  details.sets = HeapDetailSets::All();
  details.bins.Add({.size = 8,
                    .slots = 512,
                    .slab_bytes = 4096,
                    .live = 100,
                    .slabs = 2,
                    .requests = 1000});
  details.bins.Add({.size = 48,
                    .slots = 256,
                    .slab_bytes = 12288,
                    .live = 300,
                    .slabs = 3,
                    .requests = std::nullopt});
  details.sizes.Add({.size = 8, .requests = 1000});
  details.sizes.Add({.size = 48, .requests = 20});
  details.sizes.Add({.size = 33'554'432, .requests = 1});
  details.locks[0] = {
      .acquisitions = 500, .waits = 4, .wait_nanoseconds = 8'000'000};
  details.locks[kHeapLockCount - 1].acquisitions = 7;
  details.arenas.Add({.arena = 0,
                      .active_bytes = 8192,
                      .dirty_bytes = 4096,
                      .small_allocated_bytes = 100,
                      .large_allocated_bytes = 0,
                      .threads = 1});
  details.arenas.Add({.arena = 3, .active_bytes = 4096});
  details.extents.Add({.size = 4096,
                       .dirty = 2,
                       .dirty_bytes = 8192,
                       .muzzy = 1,
                       .muzzy_bytes = 4096});
  details.extents.Add(
      {.size = 40'960, .retained = 1, .retained_bytes = 45'056});
  return details;
}

/// Details with as many rows as possible and the largest numbers.
inline HeapDetails LargestDetails() {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  HeapDetails details;
  details.sets = HeapDetailSets::All();
  for (std::size_t i = kMaxBins; i-- > 0;) {
    details.bins.Add({kMax - i, kMax, kMax, kMax, kMax, kMax});
  }
  for (std::size_t i = kMaxSizes; i-- > 0;) {
    details.sizes.Add({kMax - i, kMax});
  }
  for (LockDetails& lock : details.locks) lock = {kMax, kMax, kMax};
  for (std::size_t i = kMaxArenaRows; i-- > 0;) {
    details.arenas.Add({kMax - i, kMax, kMax, kMax, kMax, kMax});
  }
  for (std::size_t i = kMaxExtents; i-- > 0;) {
    details.extents.Add({kMax - i, kMax, kMax, kMax, kMax, kMax, kMax});
  }
  return details;
}

/// What `WriteDetailsJson` writes.
inline std::string DetailsJson(const HeapDetails& details) {
  // Sanitizers check the writes.
  const auto json = std::make_unique<char[]>(MaxDetailsJsonSize(details));
  return {json.get(), WriteDetailsJson(details, json.get())};
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_DETAILS_H_
