#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROCESS_ROWS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROCESS_ROWS_H_

#include <string>
#include <string_view>

#include "exporter/endpoints/heap_history.h"
#include "exporter/endpoints/process_columns.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The view of the landing page that a query string requests.
struct View {
  ProcessOrder order;
  bool refreshes = true;
};

/// A relative link to the landing page with this order.
std::string SortLink(const ProcessOrder& order, bool refreshes);

/// A small square in the colour of a memory use; empty without a class.
std::string Swatch(std::string_view css_class);

/// The `<thead>` of the process table, with a link for each sort order.
std::string ProcessTableHead(const View& view);

/// The row heading: name, pid and age; a link to the heap profile of a
/// used process that has one; the bytes of each heap where the process has
/// several.
std::string ProcessName(const Process& process);

/// The cell of one column of numbers.
std::string ProcessNumber(const ProcessColumn& column, const Process& process);

/// A `<tr>`: name, numbers, memory by use, and history.
std::string ProcessRow(const Process& process, const HeapHistory& history,
                       HeapHistory::Time now);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROCESS_ROWS_H_
