#include "exporter/profile/flame_graph.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <vector>

#include "exporter/profile/flame_frame_svg.h"
#include "exporter/profile/flame_graph_style.h"
#include "exporter/profile/flame_layout.h"
#include "exporter/text/format_bytes.h"
#include "exporter/text/format_fixed.h"
#include "exporter/text/html.h"

namespace jemalloc_exporter {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

// No script, and nothing from elsewhere, even if a name were not escaped.
constexpr std::string_view kHead =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"UTF-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
    "'none'; style-src 'unsafe-inline'; img-src data:\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n";

bool IsDifference(const HeapProfile& profile) {
  return profile.duration_ns > 0;
}

std::string Seconds(const HeapProfile& profile) {
  return FormatFixed(static_cast<double>(profile.duration_ns) / kNanoseconds,
                     0);
}

std::string Duration(const HeapProfile& profile) {
  return Seconds(profile) + " s";
}

std::string Time(const HeapProfile& profile) {
  const std::time_t seconds = profile.time_ns / kNanoseconds;
  std::tm time = {};
  gmtime_r(&seconds, &time);
  char text[64];
  const std::size_t size =
      std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &time);
  return {text, size};
}

std::string Link(const std::string& url, std::string_view text) {
  std::string link = "<a href=\"" + EscapeHtml(url) + "\">";
  return link.append(text) + "</a>";
}

// Links to other profiles of the process, and to the landing page.
std::string Navigation(const HeapProfile& profile) {
  const std::string query = "?pid=" + std::to_string(profile.pid);
  std::string links;
  std::string download = query;
  if (IsDifference(profile)) {
    links = Link(query + "&format=flamegraph", "All in use");
    download += "&seconds=" + Seconds(profile);
  } else {
    links = Link(query + "&format=flamegraph&seconds=30", "Growth in 30 s");
  }
  return "<nav>" + links + Link(download, "Download for pprof") +
         Link("../../", "All processes") + "</nav>";
}

std::string PageHeader(const HeapProfile& profile, FlameGraphUse use) {
  const std::string comm = EscapeHtml(profile.comm);
  const std::string title =
      IsDifference(profile) ? "Heap growth of " : "Heap profile of ";
  std::string header(kHead);
  header += "<title>" + title + comm + " (" + std::to_string(profile.pid) +
            ")</title>\n<style>";
  header.append(kFlameGraphStyle);
  header += "</style>\n</head>\n<body>\n<header><h1>" + title + comm +
            "</h1><p>pid " + std::to_string(profile.pid) + ", ";
  if (IsDifference(profile)) header += "in " + Duration(profile) + " until ";
  header += Time(profile) + "</p>";
  if (use == FlameGraphUse::kServed) header += Navigation(profile);
  return header + "</header>\n<main>\n";
}

std::string Count(std::size_t count, std::string_view noun) {
  return FormatCount(static_cast<double>(count), noun);
}

// "± 1.0 MiB (3.4 %)"
std::string Error(const FrameValues& values) {
  const double error = std::sqrt(values.variance);
  return "± " + FormatEstimate(error, false) + " (" +
         FormatFixed(100 * error / std::abs(values.bytes), 1) + " %)";
}

std::string Summary(const HeapProfile& profile, const FlameLayout& layout) {
  const FrameValues& growth = layout.growth;
  const FrameValues& shrinkage = layout.shrinkage;
  const std::string stacks =
      " <small>from " + Count(profile.samples.size(), "stack");
  if (!IsDifference(profile)) {
    return "<p class=\"summary\"><b>" + FormatEstimate(growth.bytes, false) +
           "</b> in use " + Error(growth) + ", " +
           FormatCount(growth.objects, "object") + stacks + "</small></p>\n";
  }
  const double net = growth.bytes + shrinkage.bytes;
  const double error = std::sqrt(growth.variance + shrinkage.variance);
  return "<p class=\"summary\"><b>" + FormatEstimate(net, true) + "</b> in " +
         Duration(profile) + " ± " + FormatEstimate(error, false) +
         (growth.bytes > 0 && shrinkage.bytes < 0
              ? ": " + FormatEstimate(growth.bytes, true) + " and " +
                    FormatEstimate(shrinkage.bytes, true)
              : "") +
         stacks + " that changed</small></p>\n";
}

std::string LegendEntry(std::string_view css_class, std::string_view name,
                        std::string_view meaning) {
  std::string entry = "<li><span class=\"swatch ";
  entry.append(css_class).append("\"></span>").append(name);
  return entry.append(" <small>").append(meaning) + "</small></li>\n";
}

// Of the kinds that occur.
std::string Legend(bool is_difference, const FlameLayout& layout) {
  const auto has = [&](FrameOrigin origin) {
    return std::any_of(
        layout.frames.begin(), layout.frames.end(),
        [&](const FlameFrame& frame) { return frame.origin == origin; });
  };
  std::string legend;
  if (is_difference) {
    if (layout.growth.bytes > 0) {
      legend += LegendEntry("growth", "Growth", "stacks with more in use");
    }
    if (layout.shrinkage.bytes < 0) {
      legend += LegendEntry("shrinkage", "Shrinkage", "with less in use");
    }
  } else {
    if (has(FrameOrigin::kProgram)) {
      legend +=
          LegendEntry("program", "Program", "functions of the executable");
    }
    if (has(FrameOrigin::kLibrary)) {
      legend += LegendEntry("library", "Libraries", "functions of other files");
    }
    if (has(FrameOrigin::kUnnamed)) {
      legend += LegendEntry("unnamed", "Without symbols", "addresses");
    }
  }
  if (has(FrameOrigin::kMerged)) {
    legend += LegendEntry("merged", "Merged", "frames that are too narrow");
  }
  return "<ul class=\"legend\">\n" + legend + "</ul>\n";
}

std::string Graph(const HeapProfile& profile, const FlameLayout& layout) {
  const FlameFrameStyle style = {
      .program = profile.comm,
      .total_bytes = layout.growth.bytes - layout.shrinkage.bytes,
      .is_difference = IsDifference(profile)};
  const std::size_t depth = layout.frames.back().depth + 1;
  std::string graph = "<div class=\"scroll\">\n<svg class=\"graph\" height=\"" +
                      std::to_string(depth * kFlameFrameHeight) +
                      R"(" role="img" aria-label="Flame graph of )" +
                      std::to_string(layout.frames.size()) +
                      " frames, callers at the top\">\n";
  for (const FlameFrame& frame : layout.frames) {
    graph += FlameFrameSvg(frame, style);
  }
  return graph + "</svg>\n</div>\n";
}

std::string Empty(const HeapProfile& profile) {
  const std::string section = "<section class=\"empty\"><h2>";
  const std::string period = FormatBytes(profile.period);
  if (IsDifference(profile)) {
    return section +
           "No change was sampled</h2>\n<p>No stack has more or less in use "
           "than " +
           Duration(profile) + " before. jemalloc samples one byte of " +
           period +
           " on average: a longer time shows less growth.</p></section>\n";
  }
  return section +
         "No allocation was sampled</h2>\n<p>jemalloc samples one byte of " +
         period +
         " on average: a smaller heap may have no sample. With "
         "<code>prof_active:false</code> in <code>MALLOC_CONF</code> no heap "
         "has one.</p></section>\n";
}

// Whether the functions of the executable have no lines.
bool LacksDebugInfo(const HeapProfile& profile) {
  bool has_functions = false;
  for (const ProfileLocation& location : profile.locations) {
    if (location.mapping != 0U || location.frames.empty()) continue;
    if (location.frames.front().line > 0) return false;
    has_functions = true;
  }
  return has_functions;
}

// How to read the profile with other programs.
std::string OtherPrograms(const HeapProfile& profile, FlameGraphUse use) {
  if (use == FlameGraphUse::kServed) {
    return "To zoom and search: download it, then <code>go tool pprof -http=: "
           "FILE</code>, or speedscope.";
  }
  std::string command =
      "jemalloc_exporter profile --pid " + std::to_string(profile.pid);
  if (IsDifference(profile)) command += " --seconds " + Seconds(profile);
  return "To zoom and search: <code>" + command +
         " --output heap.pb.gz</code>, then <code>go tool pprof -http=: "
         "heap.pb.gz</code>, or speedscope.";
}

std::string Footer(const HeapProfile& profile, const FlameLayout& layout,
                   FlameGraphUse use) {
  std::string footer = "<footer>\n";
  const auto add = [&](const std::string& text) {
    footer += "<p>" + text + "</p>\n";
  };
  if (layout.narrow_frames > 0) {
    const double total = layout.growth.bytes - layout.shrinkage.bytes;
    add(Count(layout.narrow_frames, "frame") + " of less than " +
        FormatFixed(100 * layout.min_width, 1) + " % of the width (" +
        FormatEstimate(total * layout.min_width, false) +
        ") are merged or omitted, with their callees.");
  }
  if (layout.is_cut) {
    add("Stacks are cut at " + std::to_string(kMaxFlameDepth) + " functions.");
  }
  if (!layout.frames.empty()) {
    if (LacksDebugInfo(profile)) {
      add("The executable has no debug information: its functions have no "
          "lines. Install its <code>-dbgsym</code> package, or build it with "
          "<code>-g</code>.");
    }
    add("A frame is a function; its caller is above it. The pointer on it "
        "shows "
        "its lines and bytes. jemalloc samples one byte of " +
        FormatBytes(profile.period) + " on average; ± is the standard error.");
  }
  add(OtherPrograms(profile, use));
  add("jemalloc " + EscapeHtml(profile.jemalloc_version));
  return footer + "</footer>\n</body>\n</html>\n";
}

}  // namespace

std::string ToFlameGraph(const HeapProfile& profile, FlameGraphUse use) {
  const FlameLayout layout = LayOutFlames(profile);
  std::string page = PageHeader(profile, use);
  if (layout.frames.empty()) {
    page += Empty(profile);
  } else {
    page += Summary(profile, layout) + Legend(IsDifference(profile), layout) +
            Graph(profile, layout);
  }
  return page + "</main>\n" + Footer(profile, layout, use);
}

}  // namespace jemalloc_exporter
