#include "exporter/endpoints/landing_page.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "build_info.h"
#include "exporter/endpoints/sparkline.h"
#include "exporter/text/byte_units.h"

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kHead = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="5">
<link rel="icon" href="data:,">
<title>jemalloc_exporter</title>
<style>
:root { --ink: #1d2129; --soft: #6a7280; --line: #dfe3e8; --paper: #fff; --accent: #e6522c; --band: #f9d9cf; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #98a1ae; --line: #343a44; --paper: #16191e; --accent: #ff7a52; --band: #5a3024; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header { background: #e6522c; color: #fff; padding: 20px 24px; }
header h1 { margin: 0; font-size: 22px; }
header p { margin: 0; }
main { padding: 16px 24px 32px; max-width: 1200px; }
a { color: var(--accent); }
header a { color: #fff; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 12px 0; }
th, td { padding: 8px 12px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td small { color: var(--soft); }
svg { display: block; margin-left: auto; }
svg .resident { fill: var(--band); }
svg .allocated { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.key { color: var(--soft); }
footer { color: var(--soft); padding: 0 24px 24px; }
</style>
</head>
<body>
)html";

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Bytes(const std::optional<std::uint64_t>& bytes) {
  return bytes ? ToByteUnits(*bytes) : "–";
}

std::string Row(const Process& process, const HeapHistory& history,
                HeapHistory::Time now) {
  const HeapState& heap = process.heap_state;
  std::string row = "<tr><td>" + EscapeHtml(process.comm) + " <small>" +
                    std::to_string(process.pid) + "</small></td>";
  for (const std::string& cell :
       {Bytes(heap.allocated_bytes), Bytes(heap.active_bytes),
        Bytes(heap.resident_bytes), Bytes(heap.mapped_bytes),
        heap.narenas ? std::to_string(*heap.narenas) : "–",
        Bytes(process.resident_memory_bytes)}) {
    row += "<td>" + cell + "</td>";
  }
  row += "<td>";
  row += process.status == ProcessStatus::kUnreachable
             ? "does not answer"
             : Sparkline(history.Of(process), now);
  return row + "</td></tr>\n";
}

}  // namespace

std::string LandingPage(const std::vector<Process>& processes,
                        const HeapHistory& history, HeapHistory::Time now,
                        const std::string& telemetry_path) {
  std::string page(kHead);
  page +=
      "<header><h1>jemalloc_exporter</h1><p>Heaps of the programs that run "
      "on jemalloc. <a href=\"" +
      EscapeHtml(telemetry_path) + "\">Metrics</a></p></header>\n<main>\n";
  page +=
      "<div class=\"scroll\"><table>\n<tr><th>Process <small>PID</small>"
      "</th><th>Allocated</th><th>Active</th><th>Resident</th>"
      "<th>Mapped</th><th>Arenas</th><th>RSS</th>"
      "<th>Last " +
      std::to_string(HeapHistory::kSpan.count()) + " minutes</th></tr>\n";
  for (const Process& process : processes) {
    if (process.status == ProcessStatus::kUnused) continue;
    page += Row(process, history, now);
  }
  page += "</table></div>\n";
  page +=
      "<p class=\"key\">In the pictures: the line is allocated, the band "
      "behind it is resident. RSS is what the kernel counts for the whole "
      "process. The page renews itself; the pictures fill while somebody "
      "looks or scrapes.</p>\n</main>\n";
  page += "<footer>Version " + EscapeHtml(kVersion) + ", revision " +
          EscapeHtml(kRevision) + "</footer>\n</body>\n</html>\n";
  return page;
}

}  // namespace jemalloc_exporter
