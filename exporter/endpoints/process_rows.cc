#include "exporter/endpoints/process_rows.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "exporter/endpoints/memory_charts.h"
#include "exporter/text/format_bytes.h"
#include "exporter/text/format_fixed.h"
#include "exporter/text/html.h"

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kNoValue = "–";

std::string FormatAge(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
  if (seconds < 2 * kMinute) return FormatFixed(seconds, 0) + " s";
  if (seconds < 2 * kHour) return FormatFixed(seconds / kMinute, 0) + " min";
  if (seconds < 2 * kDay) return FormatFixed(seconds / kHour, 0) + " h";
  return FormatFixed(seconds / kDay, 0) + " d";
}

std::string Heading(std::string_view css_class, std::string_view content) {
  return R"(<th scope="col" role="columnheader" class=")" +
         std::string(css_class) + "\">" + std::string(content) + "</th>";
}

std::string SortableHeading(const ProcessColumn& column, const View& view) {
  const std::string key(column.key);
  const bool is_sorted = view.order.key == key;
  const bool descending = view.order.descending;
  std::string heading = R"(<th scope="col" role="columnheader")";
  if (is_sorted) {
    heading += std::string(" aria-sort=\"") +
               (descending ? "descending" : "ascending") + "\"";
  }
  const ProcessOrder next{
      key, is_sorted ? !descending : key != kProcessNameColumn.key};
  heading += ">" + Swatch(column.css_class) + "<a href=\"" +
             SortLink(next, view.refreshes) + "\" title=\"" +
             std::string(column.meaning) + "\">" + std::string(column.title) +
             "</a>";
  if (is_sorted) heading += descending ? " ▾" : " ▴";
  return heading + "</th>";
}

std::string Bar(const Process& process) {
  const auto memory = BreakDownMemory(process);
  return R"(<td role="cell" class="bar">)" +
         (memory ? MemoryBar(*memory)
                 : "<small>no statistics in this jemalloc</small>") +
         "</td>";
}

std::string Plot(const Process& process, const HeapHistory& history,
                 HeapHistory::Time now) {
  const auto start = history.Start();
  auto points = history.Of(process);
  const auto memory = BreakDownMemory(process);
  if (memory && !points.empty() && points.back().time < now) {
    points.push_back({now, *memory});
  }
  const std::string plot = start ? MemoryPlot(points, *start, now) : "";
  const std::string cell = R"(<td role="cell" class="plot">)";
  if (plot.empty()) return cell + "<small>recording starts</small></td>";
  const std::chrono::duration<double> age = now - *start;
  return cell + plot + "<div class=\"axis\"><span>" + FormatAge(age.count()) +
         " ago</span><span>max " + FormatBytes(MaxTotal(points)) +
         "</span><span>now</span></div></td>";
}

}  // namespace

std::string SortLink(const ProcessOrder& order, bool refreshes) {
  return "?sort=" + order.key +
         "&amp;order=" + (order.descending ? "desc" : "asc") +
         (refreshes ? "" : "&amp;refresh=off");
}

std::string Swatch(std::string_view css_class) {
  if (css_class.empty()) return "";
  return "<span class=\"swatch " + std::string(css_class) + "\"></span>";
}

std::string ProcessTableHead(const View& view) {
  std::string head = R"(<thead role="rowgroup"><tr role="row">)" +
                     SortableHeading(kProcessNameColumn, view);
  for (const ProcessColumn& column : ProcessColumns()) {
    head += SortableHeading(column, view);
    // Beside the number that it divides.
    if (column.key == "rss") head += Heading("bar", "RSS by use");
  }
  return head + Heading("plot", "History") + "</tr></thead>\n";
}

std::string ProcessName(const Process& process) {
  std::string name = R"(<th scope="row" role="rowheader">)" +
                     EscapeHtml(process.comm) + "<small>pid " +
                     std::to_string(process.pid);
  if (process.start_time_seconds) {
    const std::chrono::duration<double> now =
        std::chrono::system_clock::now().time_since_epoch();
    name += ", up " +
            FormatAge(std::max(0.0, now.count() - *process.start_time_seconds));
  }
  name += "</small>";
  const std::string unit = UnitOrContainer(process.cgroup);
  if (!unit.empty()) name += "<small>" + EscapeHtml(unit) + "</small>";
  if (process.has_profile_socket && process.status == ProcessStatus::kUsed) {
    name += "<small><a href=\"./debug/pprof/heap?pid=" +
            std::to_string(process.pid) +
            "&amp;format=flamegraph\">heap profile</a></small>";
  }
  for (const ProcessHeap& heap : process.heaps) {
    const auto& bytes = heap.heap_state.allocated_bytes
                            ? heap.heap_state.allocated_bytes
                            : heap.heap_state.active_bytes;
    name += "<small>" + EscapeHtml(heap.prefix) + "mallctl: " +
            (bytes ? FormatBytes(*bytes) : std::string("unused")) + "</small>";
  }
  return name + "</th>";
}

std::string ProcessNumber(const ProcessColumn& column, const Process& process) {
  const auto value = column.value(process);
  std::string text(kNoValue);
  if (value) {
    text = column.is_bytes ? FormatBytes(*value) : std::to_string(*value);
  }
  return R"(<td role="cell" data-label=")" + std::string(column.title) + "\">" +
         text + "</td>";
}

std::string ProcessRow(const Process& process, const HeapHistory& history,
                       HeapHistory::Time now) {
  std::string row = "<tr role=\"row\">" + ProcessName(process);
  for (const ProcessColumn& column : ProcessColumns()) {
    row += ProcessNumber(column, process);
    if (column.key == "rss") row += Bar(process);
  }
  return row + Plot(process, history, now) + "</tr>\n";
}

}  // namespace jemalloc_exporter
