#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROCESS_COLUMNS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROCESS_COLUMNS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// A column of numbers in the landing page's table.
struct ProcessColumn {
  /// As in `?sort=KEY`.
  std::string_view key;
  std::string_view title;
  std::string_view meaning;
  /// Class of the colour of this column's memory use; empty without one.
  std::string_view css_class;
  /// The unit is bytes, unless this is false.
  bool is_bytes;
  std::optional<std::uint64_t> (*value)(const Process&);
};

/// The column of names, which has no number.
inline constexpr ProcessColumn kProcessNameColumn{
    "process", "Process", "name of the process", "", false, nullptr};

/// Every column of numbers, in order. The first is the default sort key.
const std::array<ProcessColumn, 7>& ProcessColumns();

/// The sort order of the table. The key `process` sorts by name.
struct ProcessOrder {
  std::string key = "rss";
  bool descending = true;

  friend bool operator==(const ProcessOrder&, const ProcessOrder&) = default;
};

/// The order that the query string requests with `sort=KEY` and `order=asc` or
/// `order=desc`. Numbers are descending by default, names ascending. Unknown
/// keys and values are ignored.
ProcessOrder ParseProcessOrder(std::string_view query);

/// The value of the parameter `name` in a query string, not decoded. Empty
/// where it is absent.
std::string_view QueryParameter(std::string_view query, std::string_view name);

/// Sorts stably. Processes without a value are last in both directions.
void SortProcesses(std::vector<Process>& processes, const ProcessOrder& order);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROCESS_COLUMNS_H_
