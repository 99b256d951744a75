#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_HEAPS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_HEAPS_H_

#include <string>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The heap of a process as text, `ToText(HeapSnapshot)`. With several heaps
/// each follows its line `prefix:`, or `prefix: …, unused`.
std::string HeapsToText(const Process& process);

/// The heap of a process as one JSON object, `ToJson(HeapSnapshot)`, without a
/// newline. With several heaps it is their sum, and a key `heaps` has each of
/// them; `diff` compares the sum.
std::string HeapsToJson(const Process& process);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_HEAPS_H_
