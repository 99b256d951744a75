#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_TABLE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_TABLE_H_

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// How much a terminal shows; any amount where there is none.
struct TableRoom {
  std::size_t width = std::numeric_limits<std::size_t>::max();
  std::size_t lines = std::numeric_limits<std::size_t>::max();
};

/// The processes as a table for a terminal: a heading and a line for each, the
/// columns aligned. With `before`, what was seen the last time, there is a
/// column with the change of the allocated bytes. Where there is no room, the
/// last columns are left out, and the last line says how many processes are.
std::string ProcessTable(const std::vector<Process>& processes,
                         const std::vector<Process>* before = nullptr,
                         TableRoom room = {});

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_TABLE_H_
