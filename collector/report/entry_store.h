#ifndef JEMALLOC_EXPORTER_COLLECTOR_REPORT_ENTRY_STORE_H_
#define JEMALLOC_EXPORTER_COLLECTOR_REPORT_ENTRY_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "jemalloc_exporter/heap_report.h"

namespace jemalloc_exporter {

/// The result of an entry without an end.
inline constexpr const char* kRunning = "running";

/// The last entry of each test or process, by `Key`, in bounded memory. Not
/// thread-safe.
template <typename Key>
class EntryStore {
 public:
  /// `max`: the number of entries that `EvictExcess` leaves, and those that
  /// run.
  explicit EntryStore(std::size_t max) : max_(max) {}

  /// Stores an entry, in place of the previous one of the same key. It is not
  /// evicted before `MarkEnded`.
  void Put(const Key& key, HeapReportEntry entry) {
    Slot& slot = slots_[key];
    if (slot.ended) ended_.erase(EvictionKey(key, slot));
    slot = {std::move(entry), false};
  }

  /// The test or process has ended: its entry can be evicted. Without an entry
  /// of that key, nothing changes.
  void MarkEnded(const Key& key) {
    const auto found = slots_.find(key);
    if (found == slots_.end()) return;
    found->second.ended = true;
    ended_.insert(EvictionKey(key, found->second));
  }

  /// While there are more than `max` entries, evicts one that has ended: the
  /// one whose heap grew least, of equals the first by key. An absent growth
  /// counts as 0.
  void EvictExcess() {
    while (slots_.size() > max_ && !ended_.empty()) {
      slots_.erase(ended_.begin()->second);
      ended_.erase(ended_.begin());
      ++evicted_;
    }
  }

  /// Calls `visit(key, entry)` for each entry, sorted by key.
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (const auto& [key, slot] : slots_) visit(key, slot.entry);
  }

  /// How many entries have been evicted.
  std::uint64_t evicted() const { return evicted_; }

 private:
  struct Slot {
    HeapReportEntry entry;
    bool ended = false;
  };

  static std::pair<std::int64_t, Key> EvictionKey(const Key& key,
                                                  const Slot& slot) {
    return {slot.entry.heap_growth_bytes.value_or(0), key};
  }

  std::size_t max_;
  std::map<Key, Slot> slots_;
  std::set<std::pair<std::int64_t, Key>> ended_;
  std::uint64_t evicted_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_REPORT_ENTRY_STORE_H_
