#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_TABLE_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_TABLE_H_

#include <string>
#include <vector>

#include "process.h"

namespace jemalloc_exporter {

/// The processes as a table for a terminal: a heading and a line for each, the
/// columns aligned. With `before`, what was seen the last time, there is a
/// column with the change of the allocated bytes.
std::string ProcessTable(const std::vector<Process>& processes,
                         const std::vector<Process>* before = nullptr);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_TABLE_H_
