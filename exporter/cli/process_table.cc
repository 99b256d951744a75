#include "exporter/cli/process_table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>

#include "exporter/text/format_bytes.h"

namespace jemalloc_exporter {
namespace {

using Row = std::vector<std::string>;

// The number of text columns at the start. They are left-aligned, as the last
// column is if its heading is `kUnitHeading`.
constexpr std::size_t kTextColumns = 2;
constexpr const char* kUnitHeading = "UNIT";

std::string Bytes(const std::optional<std::uint64_t>& bytes) {
  return bytes ? FormatBytes(*bytes) : "-";
}

std::string Change(const std::optional<std::uint64_t>& before,
                   const std::optional<std::uint64_t>& after) {
  if (!before || !after) return "-";
  if (*after < *before) return "-" + FormatBytes(*before - *after);
  return "+" + FormatBytes(*after - *before);
}

// Absent for a new process. A reused pid has another start time.
std::optional<std::uint64_t> AllocatedBefore(const std::vector<Process>& before,
                                             const Process& process) {
  const auto same = [&](const Process& other) {
    return other.pid == process.pid && other.comm == process.comm &&
           other.start_time_seconds == process.start_time_seconds;
  };
  const auto found = std::find_if(before.begin(), before.end(), same);
  if (found == before.end()) return std::nullopt;
  return found->heap_state.allocated_bytes;
}

// The number of characters in valid UTF-8.
std::size_t Width(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
}

// The columns that only some tables have.
struct OptionalColumns {
  bool change = false;
  bool unit = false;
};

Row Cells(const Process& process, const std::vector<Process>* before,
          const OptionalColumns& columns) {
  const HeapState& heap = process.heap_state;
  Row row = {std::to_string(process.pid), process.comm};
  switch (process.status) {
    case ProcessStatus::kUnreachable:
      row.emplace_back("does not respond");
      return row;
    case ProcessStatus::kUnused:
      row.emplace_back("does not use its jemalloc");
      return row;
    case ProcessStatus::kUsed:
      break;
  }
  row.push_back(Bytes(heap.allocated_bytes));
  if (columns.change) {
    row.push_back(
        Change(AllocatedBefore(*before, process), heap.allocated_bytes));
  }
  for (const auto& bytes : {heap.active_bytes, heap.resident_bytes,
                            heap.mapped_bytes, process.resident_memory_bytes}) {
    row.push_back(Bytes(bytes));
  }
  row.push_back(heap.narenas ? std::to_string(*heap.narenas) : "-");
  if (columns.unit) {
    const std::string unit = UnitOrContainer(process.cgroup);
    row.push_back(unit.empty() ? "-" : unit);
  }
  return row;
}

// Of one of several heaps: below its process, and named by its function.
Row HeapCells(const ProcessHeap& heap, const OptionalColumns& columns) {
  Row row = {"", "  " + heap.prefix + "mallctl"};
  if (!heap.used) {
    row.emplace_back("unused");
    return row;
  }
  row.push_back(Bytes(heap.heap_state.allocated_bytes));
  if (columns.change) row.emplace_back("-");
  for (const auto& bytes :
       {heap.heap_state.active_bytes, heap.heap_state.resident_bytes,
        heap.heap_state.mapped_bytes}) {
    row.push_back(Bytes(bytes));
  }
  row.emplace_back("-");
  const auto& narenas = heap.heap_state.narenas;
  row.push_back(narenas ? std::to_string(*narenas) : "-");
  if (columns.unit) row.emplace_back("-");
  return row;
}

// A status instead of numbers extends over their columns.
bool IsStatusRow(const Row& row, const Row& heading) {
  return row.size() < heading.size();
}

std::vector<std::size_t> ColumnWidths(const std::vector<Row>& rows) {
  const Row& heading = rows.front();
  std::vector<std::size_t> widths(heading.size());
  for (const Row& row : rows) {
    const std::size_t columns =
        IsStatusRow(row, heading) ? kTextColumns : row.size();
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  return widths;
}

// Drops the last columns until a line has at most `width` characters. The pid,
// the name and the allocated bytes remain.
void DropColumnsToFit(std::vector<std::size_t>& widths, std::size_t width) {
  const auto line = [&] {  // One space between two columns.
    return std::accumulate(widths.begin(), widths.end(), widths.size() - 1);
  };
  while (widths.size() > kTextColumns + 1 && line() > width) widths.pop_back();
}

std::string Align(const std::vector<Row>& rows, std::size_t width) {
  std::vector<std::size_t> widths = ColumnWidths(rows);
  DropColumnsToFit(widths, width);
  std::string text;
  for (const Row& row : rows) {
    const bool is_status = IsStatusRow(row, rows.front());
    std::size_t left = width;
    std::string line;
    for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i) {
      const std::size_t characters = Width(row[i]);
      const std::string padding(
          widths[i] > characters ? widths[i] - characters : 0, ' ');
      if (i > 0) line += ' ';
      if (i < kTextColumns) {
        line += row[i] + padding;
        left -= std::min(left, widths[i] + 1);
      } else if (rows.front()[i] == kUnitHeading) {
        line += row[i];
      } else {
        line += is_status ? row[i].substr(0, left) : padding + row[i];
      }
    }
    text += line + '\n';
  }
  return text;
}

}  // namespace

std::string ProcessTable(const std::vector<Process>& processes,
                         const std::vector<Process>* before,
                         TerminalSize size) {
  const OptionalColumns columns = {
      .change = before != nullptr,
      .unit = std::any_of(processes.begin(), processes.end(),
                          [](const Process& process) {
                            return !UnitOrContainer(process.cgroup).empty();
                          })};
  Row heading = {"PID", "COMM", "ALLOCATED"};
  if (columns.change) heading.emplace_back("CHANGE");
  heading.insert(heading.end(),
                 {"ACTIVE", "RESIDENT", "MAPPED", "RSS", "ARENAS"});
  if (columns.unit) heading.emplace_back(kUnitHeading);
  const std::size_t lines =
      std::accumulate(processes.begin(), processes.end(), std::size_t{1},
                      [](std::size_t sum, const Process& process) {
                        return sum + 1 + process.heaps.size();
                      });
  // One is for the number of processes that are not shown.
  const std::size_t max_lines = lines <= size.lines
                                    ? size.lines
                                    : std::max<std::size_t>(size.lines, 1) - 1;
  std::vector<Row> rows = {heading};
  std::size_t shown = 0;
  for (const Process& process : processes) {
    if (rows.size() + 1 + process.heaps.size() > max_lines) break;
    rows.push_back(Cells(process, before, columns));
    for (const ProcessHeap& heap : process.heaps) {
      rows.push_back(HeapCells(heap, columns));
    }
    ++shown;
  }
  std::string table = Align(rows, size.width);
  if (shown < processes.size()) {
    table += "and " + std::to_string(processes.size() - shown) + " more\n";
  }
  return table;
}

}  // namespace jemalloc_exporter
