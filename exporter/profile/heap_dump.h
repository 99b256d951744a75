#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEAP_DUMP_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEAP_DUMP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/attach/process_maps.h"

namespace jemalloc_exporter {

/// Estimated from samples. `inuse` is allocated at the time of the dump,
/// `alloc` since the start (jemalloc's `prof_accum:true`).
struct HeapValues {
  double inuse_objects = 0;
  double inuse_bytes = 0;
  double alloc_objects = 0;
  double alloc_bytes = 0;
};

/// The allocations from one stack.
struct HeapStack {
  /// Return addresses, the innermost first.
  std::vector<std::uint64_t> addresses;
  HeapValues values;
};

/// A heap profile as jemalloc writes it for `prof.dump`.
struct HeapDump {
  /// Mean number of bytes between two samples.
  std::uint64_t period = 0;
  /// Whether an `alloc` value is not zero.
  bool has_alloc = false;
  std::vector<HeapStack> stacks;
  /// Empty if the process could not read its maps.
  std::vector<Mapping> mappings;
};

/// Limits of a dump; `ParseHeapDump` rejects a larger one.
inline constexpr std::size_t kMaxStacks = 200'000;
inline constexpr std::size_t kMaxFrames = 255;
inline constexpr std::size_t kMaxMappings = 65'536;

/// Parses a dump in the format `heap_v2` from an untrusted source. Absent for
/// any other text; then `error` is one line without the text's content.
///
/// Each `t*` line has S sampled bytes in C objects. An object of the mean size
/// S / C is sampled with the probability 1 - exp(-S / C / period), by which
/// both are divided. Source: prof_do_unbias() of jemalloc 5.3, which prepares
/// the values for this. Lines of single threads are ignored.
std::optional<HeapDump> ParseHeapDump(std::string_view text,
                                      std::string* error);

/// `after` less `before`, stack by stack; values may be negative. Stacks with
/// the same values in both are omitted.
HeapDump Difference(const HeapDump& before, HeapDump after);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEAP_DUMP_H_
