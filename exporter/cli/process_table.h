#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_TABLE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_TABLE_H_

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The size of a terminal in characters; unlimited without one.
struct TerminalSize {
  std::size_t width = std::numeric_limits<std::size_t>::max();
  std::size_t lines = std::numeric_limits<std::size_t>::max();
};

/// Returns a table of `processes`: a heading and one line for each, with
/// aligned columns. A line for each heap follows where a process has several.
/// With `before`, the result of the previous poll, a column has the change of
/// the allocated bytes. Columns and lines beyond `size` are dropped; the last
/// line is then the number of processes that are not shown.
std::string ProcessTable(const std::vector<Process>& processes,
                         const std::vector<Process>* before = nullptr,
                         TerminalSize size = {});

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_TABLE_H_
