#ifndef JEMALLOC_EXPORTER_HEAP_SERIALIZATION_H_
#define JEMALLOC_EXPORTER_HEAP_SERIALIZATION_H_

#include <optional>
#include <string>
#include <string_view>

#include "jemalloc_exporter/heap_reader.h"
#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// The state as text: a line `key: value` for each field, in the order of
/// `kHeapFields`, with plain integers and `(unknown)` for an absent field. Ends
/// with a newline. Independent of the locale. Thread-safe.
std::string ToText(const HeapState& state);

/// The fields that differ: a line `key: before → after` for each of them,
/// `(unknown)` on the side where it is absent. Empty when the states are
/// equal. UTF-8, independent of the locale. Thread-safe.
std::string Diff(const HeapState& before, const HeapState& after);

/// The state as one JSON object on one line, without spaces or a newline: the
/// field names as keys, integers as values, absent fields omitted (`{}` when
/// all are). `FromJson` parses it. Thread-safe.
std::string ToJson(const HeapState& state);

/// Parses the output of `ToJson`, in any JSON spelling (RFC 8259).
///
/// Unknown keys are ignored and missing ones are absent, so that versions are
/// compatible. A known key must hold an integer from 0 to 2^64 - 1, which is
/// kept exact. Everything else is rejected: nothing is returned, and `error`,
/// if given, receives one line with the position or key and the reason. Never
/// throws. Thread-safe.
std::optional<HeapState> FromJson(std::string_view json,
                                  std::string* error = nullptr);

/// The values to publish of a snapshot as text: that of the state, and if there
/// are any an empty line and a line `key: value` for each value of the
/// statistics, then a line `options:` with `NAME=value` for each option. Ends
/// with a newline. Thread-safe.
std::string ToText(const HeapSnapshot& snapshot);

/// The values to publish of a snapshot as one JSON object on one line: that of
/// the state with two more keys, `statistics` and `options`, each an object of
/// its own, the options as strings. Absent values are omitted, and both keys
/// where all are. `ParseHeapSnapshot` parses it, and `FromJson` the state.
/// Thread-safe.
std::string ToJson(const HeapSnapshot& snapshot);

/// Parses the output of `ToJson(HeapSnapshot)`, or of a state, by the rules of
/// `FromJson`.
std::optional<HeapSnapshot> ParseHeapSnapshot(std::string_view json,
                                              std::string* error = nullptr);

/// `Diff` of the states, and in the same form of the statistics that both have,
/// except `HeapStatistics::refresh_nanoseconds`: that is not of the heap.
/// Thread-safe.
std::string Diff(const HeapSnapshot& before, const HeapSnapshot& after);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_SERIALIZATION_H_
