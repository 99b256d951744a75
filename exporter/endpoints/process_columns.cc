#include "exporter/endpoints/process_columns.h"

#include <algorithm>

namespace jemalloc_exporter {
namespace {

using Bytes = std::optional<std::uint64_t>;

// Values of one reading can be inconsistent by a few pages: never negative.
Bytes Difference(const Bytes& larger, const Bytes& smaller) {
  if (!larger || !smaller) return std::nullopt;
  return *larger - std::min(*larger, *smaller);
}

Bytes Rss(const Process& process) { return process.resident_memory_bytes; }

Bytes Live(const Process& process) {
  return process.heap_state.allocated_bytes;
}

Bytes Fragmentation(const Process& process) {
  return Difference(Difference(process.heap_state.active_bytes,
                               process.heap_state.allocated_bytes),
                    process.statistics.large_padding_bytes.value_or(0));
}

Bytes Retained(const Process& process) {
  return Difference(process.heap_state.resident_bytes,
                    process.heap_state.active_bytes);
}

Bytes Outside(const Process& process) {
  return Difference(process.resident_memory_bytes,
                    process.heap_state.resident_bytes);
}

Bytes Mapped(const Process& process) { return process.heap_state.mapped_bytes; }

std::optional<std::uint64_t> Arenas(const Process& process) {
  return process.heap_state.narenas;
}

bool IsKey(std::string_view key) {
  if (key == kProcessNameColumn.key) return true;
  const auto& columns = ProcessColumns();
  return std::any_of(
      columns.begin(), columns.end(),
      [&](const ProcessColumn& column) { return column.key == key; });
}

}  // namespace

const std::array<ProcessColumn, 7>& ProcessColumns() {
  static constexpr std::array<ProcessColumn, 7> kColumns = {{
      {"rss", "RSS", "resident memory of the process", "", true, Rss},
      {"live", "Live data", "allocated", "live", true, Live},
      {"fragmentation", "Fragmentation", "active − allocated − padding",
       "fragmentation", true, Fragmentation},
      {"retained", "Kept", "resident − active", "retained", true, Retained},
      {"outside", "Outside", "RSS − resident", "outside", true, Outside},
      {"mapped", "Mapped", "active extents mapped by jemalloc", "", true,
       Mapped},
      {"arenas", "Arenas", "limit on the number of arenas", "", false, Arenas},
  }};
  return kColumns;
}

std::string_view QueryParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), parameter.size() + 1));
    if (parameter.starts_with(name) &&
        parameter.substr(name.size()).starts_with('=')) {
      return parameter.substr(name.size() + 1);
    }
  }
  return {};
}

ProcessOrder ParseProcessOrder(std::string_view query) {
  ProcessOrder order;
  const std::string_view key = QueryParameter(query, "sort");
  if (IsKey(key)) order.key = key;
  order.descending = order.key != kProcessNameColumn.key;
  const std::string_view direction = QueryParameter(query, "order");
  if (direction == "asc") order.descending = false;
  if (direction == "desc") order.descending = true;
  return order;
}

void SortProcesses(std::vector<Process>& processes, const ProcessOrder& order) {
  if (order.key == kProcessNameColumn.key) {
    std::stable_sort(processes.begin(), processes.end(),
                     [&](const Process& a, const Process& b) {
                       return order.descending ? b.comm < a.comm
                                               : a.comm < b.comm;
                     });
    return;
  }
  const auto& columns = ProcessColumns();
  const auto* const column = std::find_if(
      columns.begin(), columns.end(),
      [&](const ProcessColumn& each) { return each.key == order.key; });
  if (column == columns.end()) return;
  std::stable_sort(processes.begin(), processes.end(),
                   [&](const Process& a, const Process& b) {
                     const auto of_a = column->value(a);
                     const auto of_b = column->value(b);
                     if (!of_a || !of_b) return of_a.has_value() && !of_b;
                     return order.descending ? *of_b < *of_a : *of_a < *of_b;
                   });
}

}  // namespace jemalloc_exporter
