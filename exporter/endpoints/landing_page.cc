#include "exporter/endpoints/landing_page.h"

#include <algorithm>
#include <string>

#include "exporter/build_info.h"
#include "exporter/endpoints/landing_page_style.h"
#include "exporter/endpoints/process_columns.h"
#include "exporter/endpoints/process_rows.h"
#include "exporter/text/format_bytes.h"
#include "exporter/text/html.h"

namespace jemalloc_exporter {
namespace {

constexpr std::size_t kShortRevision = 9;
constexpr std::string_view kDocumentation =
    "https://github.com/jemalloc-exporter/jemalloc_exporter";

std::string PageHead(const View& view) {
  std::string head =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
      "<meta charset=\"UTF-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n";
  if (view.refreshes) head += "<meta http-equiv=\"refresh\" content=\"5\">\n";
  head += "<link rel=\"icon\" href=\"data:,\">\n";
  head += "<title>jemalloc_exporter</title>\n<style>";
  return head.append(kLandingPageStyle) + "</style>\n</head>\n<body>\n";
}

std::string PageHeader(const LandingPageOptions& options) {
  return "<header><h1>jemalloc_exporter</h1>"
         "<p>Heaps of the programs that run on jemalloc</p>\n<nav>"
         "<a href=\"." +
         EscapeHtml(options.telemetry_path) +
         R"(">Metrics</a><a href="./-/healthy">Health</a><a href=")" +
         std::string(kDocumentation) +
         "#readme\" rel=\"noreferrer\">Documentation</a></nav></header>\n";
}

std::string Summary(const std::vector<Process>& processes) {
  std::uint64_t rss = 0;
  std::uint64_t live = 0;
  for (const Process& process : processes) {
    rss += process.resident_memory_bytes.value_or(0);
    live += process.heap_state.allocated_bytes.value_or(0);
  }
  return "<p class=\"summary\"><b>" + std::to_string(processes.size()) +
         "</b> " + (processes.size() == 1 ? "process" : "processes") + ", <b>" +
         FormatBytes(rss) + "</b> RSS, <b>" + FormatBytes(live) +
         "</b> live data</p>\n";
}

// Of the uses that occur.
std::string Legend(const LandingPageProcesses& processes) {
  MemoryBreakdown sum;
  const auto add = [&](const Process& process) {
    const auto memory = BreakDownMemory(process);
    if (!memory) return;
    for (std::size_t use = 0; use < sum.bytes.size(); ++use) {
      sum.bytes.at(use) += memory->bytes.at(use);
    }
  };
  std::for_each(processes.others.begin(), processes.others.end(), add);
  add(processes.exporter);
  std::string legend;
  for (std::size_t use = 0; use < sum.bytes.size(); ++use) {
    if (sum.bytes.at(use) == 0) continue;
    const MemoryUseText& text = kMemoryUseTexts.at(use);
    legend += "<li>" + Swatch(text.css_class) + std::string(text.title) +
              " <small>" + std::string(text.meaning) + "</small></li>\n";
  }
  return legend.empty() ? "" : "<ul class=\"legend\">\n" + legend + "</ul>\n";
}

std::string Reason(const Process& process) {
  if (process.status == ProcessStatus::kUnused) {
    return "jemalloc is loaded but not used: another library provides malloc";
  }
  switch (process.kernel_state) {
    case 'T':
      return "no response: stopped by SIGSTOP or job control (state T)";
    case 't':
      return "no response: stopped by a debugger (state t)";
    case 'D':
      return "no response: waits for a disk or a network file system (state D)";
    default:
      break;
  }
  return "no response within the timeout: stopped, overloaded, or the agent "
         "does not allow this user (JEMALLOC_EXPORTER_ALLOW_UID)";
}

std::string Unmeasured(const std::vector<Process>& processes) {
  if (processes.empty()) return "";
  std::string section =
      "<h2>Without heap statistics</h2>\n<table role=\"table\" "
      "class=\"plain\">\n<thead><tr><th scope=\"col\">Process</th>"
      "<th scope=\"col\">RSS</th><th scope=\"col\" "
      "class=\"text\">Reason</th></tr></thead>\n<tbody role=\"rowgroup\">\n";
  for (const Process& process : processes) {
    section += "<tr role=\"row\">" + ProcessName(process) +
               ProcessNumber(ProcessColumns().front(), process) +
               R"(<td role="cell" class="text">)" + Reason(process) +
               "</td></tr>\n";
  }
  return section + "</tbody></table>\n";
}

std::string FirstProgram(const LandingPageOptions& options) {
  if (options.serves_command) {
    return "<section class=\"start\"><h2>No process of the command reports a "
           "heap</h2>\n<ul><li>It does not use jemalloc: start it with "
           "<code>exec --with-jemalloc</code>.</li>\n<li>It is linked "
           "statically or setuid: it ignores <code>LD_PRELOAD</code>.</li>\n"
           "<li>It is still starting.</li></ul></section>\n";
  }
  const std::string agent = EscapeHtml(options.agent_path);
  return "<section class=\"start\"><h2>No other process carries the agent</h2>"
         "\n<p>Start a program with the agent preloaded, on this machine and "
         "in this network namespace:</p>\n<pre>LD_PRELOAD=" +
         agent +
         " redis-server</pre>\n<p>If the program does not use jemalloc, "
         "preload jemalloc too:</p>\n<pre>LD_PRELOAD=\"libjemalloc.so.2 " +
         agent +
         "\" python3</pre>\n<p>It is listed here within 5 seconds. A program "
         "that is not listed: see <a href=\"" +
         std::string(kDocumentation) +
         "#my-process-is-not-shown\" rel=\"noreferrer\">My process is not "
         "shown</a>.</p></section>\n";
}

std::string PageFooter(const View& view) {
  const std::string revision(kRevision.substr(0, kShortRevision));
  return "<footer><p>" +
         std::string(view.refreshes ? "Refreshes every 5 s: " : "Paused: ") +
         "<a href=\"" + SortLink(view.order, !view.refreshes) + "\">" +
         (view.refreshes ? "pause" : "resume") +
         "</a>. History is recorded with each scrape and each view of this "
         "page, for at most " +
         std::to_string(HeapHistory::kSpan.count()) +
         " minutes.</p>\n<p>Version " + EscapeHtml(kVersion) + ", revision " +
         EscapeHtml(revision) + "</p></footer>\n</body>\n</html>\n";
}

}  // namespace

std::string LandingPage(const LandingPageProcesses& processes,
                        const HeapHistory& history, HeapHistory::Time now,
                        const LandingPageOptions& options,
                        std::string_view query) {
  const View view{.order = ParseProcessOrder(query),
                  .refreshes = QueryParameter(query, "refresh") != "off"};
  std::vector<Process> measured = processes.others;
  const auto split = std::stable_partition(
      measured.begin(), measured.end(), [](const Process& process) {
        return process.status == ProcessStatus::kUsed;
      });
  const std::vector<Process> unmeasured(split, measured.end());
  measured.erase(split, measured.end());
  SortProcesses(measured, view.order);

  std::string page = PageHead(view) + PageHeader(options) + "<main>\n";
  page += measured.empty() ? FirstProgram(options) : Summary(measured);
  page +=
      Legend(processes) + "<table role=\"table\">\n" + ProcessTableHead(view);
  if (!measured.empty()) {
    page += "<tbody role=\"rowgroup\">\n";
    for (const Process& process : measured) {
      page += ProcessRow(process, history, now);
    }
    page += "</tbody>\n";
  }
  page +=
      "<tbody role=\"rowgroup\">\n<tr role=\"row\" class=\"heading\">"
      "<th class=\"group\" scope=\"rowgroup\" role=\"rowheader\" "
      "colspan=\"10\">The exporter itself</th></tr>\n" +
      ProcessRow(processes.exporter, history, now) + "</tbody>\n</table>\n";
  page += Unmeasured(unmeasured) + "</main>\n";
  return page + PageFooter(view);
}

}  // namespace jemalloc_exporter
