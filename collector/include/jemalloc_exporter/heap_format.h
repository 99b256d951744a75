#ifndef JEMALLOC_EXPORTER_HEAP_FORMAT_H_
#define JEMALLOC_EXPORTER_HEAP_FORMAT_H_

#include <optional>
#include <string>
#include <string_view>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// The state for a person: a line `key: value` for each field, in the order of
/// `kHeapFields`, with plain integers and `(unknown)` for an absent field. Ends
/// with a newline. Independent of the locale. Thread-safe.
std::string ToHuman(const HeapState& state);

/// What changed: a line `key: before → after` for each field that differs,
/// `(unknown)` on the side where it is absent. Empty when the states are
/// equal. UTF-8, independent of the locale. Thread-safe.
std::string Diff(const HeapState& before, const HeapState& after);

/// The state as one JSON object on one line, without spaces or a newline: the
/// field names as keys, integers as values, absent fields left out (`{}` when
/// all are). `FromJson` reads it back. Thread-safe.
std::string ToJson(const HeapState& state);

/// Reads what `ToJson` wrote, in any JSON spelling (RFC 8259).
///
/// Unknown keys are ignored and missing ones are absent, so that versions can
/// read each other. A known key must hold an integer from 0 to 2^64 - 1, which
/// is kept exact. Everything else is rejected: nothing is returned, and
/// `error`, if given, holds one line that says what is wrong and where.
/// Never throws. Thread-safe.
std::optional<HeapState> FromJson(std::string_view json,
                                  std::string* error = nullptr);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_FORMAT_H_
