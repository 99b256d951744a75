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
    return {.bins = bins, .sizes = sizes, .locks = locks};
  }

  friend bool operator==(const CollectorSet&, const CollectorSet&) = default;
};

/// A row defines the flag and the name in queries of one collector.
struct CollectorName {
  std::string_view name;
  bool CollectorSet::*member;
  /// The description of the flag; empty without a flag.
  std::string_view help;
};

inline constexpr CollectorName kCollectorNames[] = {
    {"heap", &CollectorSet::heap, ""},
    {"activity", &CollectorSet::activity,
     "Collect what jemalloc does: allocations, purges, lock waits (on)"},
    {"options", &CollectorSet::options,
     "Collect the options of each jemalloc (on)"},
    {"bins", &CollectorSet::bins,
     "Collect the size classes below four pages, usually 16 KiB, and their "
     "slabs: up to 72 series for each process"},
    {"sizes", &CollectorSet::sizes,
     "Collect a histogram of the sizes of allocations: 24 series for each "
     "process"},
    {"locks", &CollectorSet::locks,
     "Collect the use of jemalloc's mutexes: 36 series for each process"},
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_METRICS_COLLECTOR_SET_H_
