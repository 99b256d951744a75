#ifndef JEMALLOC_EXPORTER_EXPORTER_METRICS_COLLECTOR_SET_H_
#define JEMALLOC_EXPORTER_EXPORTER_METRICS_COLLECTOR_SET_H_

#include <string_view>

#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// The groups of series that are collected of each heap.
struct CollectorSet {
  bool heap = true;      ///< `HeapState`, and what the heap consists of.
  bool activity = true;  ///< What jemalloc does.
  bool options = true;   ///< `jemalloc_options_info`.
  bool bins = false;
  bool sizes = false;
  bool locks = false;

  HeapDetailSets details() const {
    return {.bins = bins, .sizes = sizes, .locks = locks, .arenas = false};
  }

  friend bool operator==(const CollectorSet&, const CollectorSet&) = default;
};

/// The name of a collector in flags and queries.
struct CollectorName {
  std::string_view name;
  bool CollectorSet::*member;
};

inline constexpr CollectorName kCollectorNames[] = {
    {"heap", &CollectorSet::heap},       {"activity", &CollectorSet::activity},
    {"options", &CollectorSet::options}, {"bins", &CollectorSet::bins},
    {"sizes", &CollectorSet::sizes},     {"locks", &CollectorSet::locks},
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_METRICS_COLLECTOR_SET_H_
