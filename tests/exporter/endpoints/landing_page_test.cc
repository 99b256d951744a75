#include "exporter/endpoints/landing_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "exporter/build_info.h"
#include "tests/support/golden.h"
#include "tests/support/sample_processes.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::minutes;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr HeapHistory::Time kNow{std::chrono::hours(1)};

Process Exporter() { return UsedProcess(99, "jemalloc_export"); }

std::string Page(const std::vector<Process>& others,
                 const std::string& query = "",
                 const LandingPageOptions& options = {}) {
  return LandingPage({others, Exporter()}, HeapHistory(), kNow, options, query);
}

std::string Masked(std::string page) {
  const std::string_view revision = kRevision.substr(0, 9);
  for (const auto mask : {kVersion, revision}) {
    page.replace(page.rfind(mask), mask.size(), "…");
  }
  return page;
}

// The position of a row, by its name.
std::size_t RowOf(const std::string& page, const std::string& comm) {
  return page.find("role=\"rowheader\">" + comm + "<");
}

TEST(LandingPage, LinksToHeapProfiles) {
  Process profiled = UsedProcess(43, "node");
  profiled.has_profile_socket = true;
  Process unreachable =
      ProcessWithStatus(44, "beam.smp", ProcessStatus::kUnreachable);
  unreachable.has_profile_socket = true;
  const std::string page =
      Page({UsedProcess(42, "redis-server"), profiled, unreachable});
  const std::string link =
      "<a href=\"./debug/pprof/heap?pid=43&amp;format=flamegraph\">";
  EXPECT_GT(page.find(link), RowOf(page, "node"));
  EXPECT_EQ(page.find("/debug/pprof/"), page.find(link) + 10);
  EXPECT_EQ(page.rfind("/debug/pprof/"), page.find(link) + 10);
}

TEST(LandingPage, HasEveryProcess) {
  const Process redis = UsedProcess(42, "redis-server");
  Process with_holes = UsedProcess(43, "<b>&\"");
  with_holes.heap_state.active_bytes = std::nullopt;
  with_holes.heap_state.narenas = std::nullopt;
  with_holes.resident_memory_bytes = std::nullopt;
  HeapHistory history;
  history.Record({redis, Exporter()}, kNow - minutes(5));
  history.Record({redis, with_holes, Exporter()}, kNow);
  const std::vector<Process> others = {
      redis, with_holes,
      ProcessWithStatus(44, "python3", ProcessStatus::kUnused),
      ProcessWithStatus(45, "varnishd", ProcessStatus::kUnreachable)};
  std::string page =
      Masked(LandingPage({others, Exporter()}, history, kNow, {}, ""));
  // The style has no behaviour to compare: the screenshots show it.
  page = std::regex_replace(page, std::regex("<style>[^<]*</style>"), "");
  ExpectGolden(page, "landing_page.html");
}

TEST(LandingPage, HasTheBytesOfEachOfSeveralHeaps) {
  EXPECT_THAT(Page({ProcessWithSeveralHeaps()}),
              HasSubstr("<small>mallctl: 512.0 KiB</small>"
                        "<small>duckdb_je_mallctl: 3.0 MiB</small>"
                        "<small>_rjem_mallctl: unused</small></th>"));
}

TEST(LandingPage, HasTheUnitOfAProcess) {
  Process redis = UsedProcess(42, "redis-server");
  EXPECT_THAT(Page({redis}), HasSubstr("<small>pid 42</small></th>"));
  redis.cgroup.unit = "a&b.service";
  EXPECT_THAT(Page({redis}), HasSubstr("<small>pid 42</small>"
                                       "<small>a&amp;b.service</small></th>"));
}

TEST(LandingPage, HasTheExporterLast) {
  const std::string page = Page({UsedProcess(1, "a"), UsedProcess(2, "z")});
  EXPECT_LT(RowOf(page, "z"), page.find("The exporter itself"));
  EXPECT_LT(page.find("The exporter itself"), RowOf(page, "jemalloc_export"));
  const std::string ascending = Page({UsedProcess(2, "z")}, "sort=process");
  EXPECT_LT(RowOf(ascending, "z"), RowOf(ascending, "jemalloc_export"));
}

TEST(LandingPage, SortsByTheColumnThatTheQueryRequests) {
  Process small = UsedProcess(1, "a");
  small.resident_memory_bytes = 2'500'000;
  const Process large = UsedProcess(2, "b");
  const std::string by_rss = Page({small, large});
  EXPECT_LT(RowOf(by_rss, "b"), RowOf(by_rss, "a"));
  EXPECT_THAT(by_rss, HasSubstr("aria-sort=\"descending\"><a "
                                "href=\"?sort=rss&amp;order=asc\""));
  EXPECT_THAT(by_rss, HasSubstr("<a href=\"?sort=live&amp;order=desc\""));
  const std::string by_name = Page({small, large}, "sort=process&order=asc");
  EXPECT_LT(RowOf(by_name, "a"), RowOf(by_name, "b"));
  EXPECT_THAT(by_name, HasSubstr("aria-sort=\"ascending\"><a "
                                 "href=\"?sort=process&amp;order=desc\""));
}

TEST(LandingPage, NeverRepeatsTheQuery) {
  EXPECT_THAT(Page({}, "sort=\"><script>&order=<b>&refresh=\"<b>"),
              Not(HasSubstr("<b>")));
}

TEST(LandingPage, HasAReasonForEachProcessWithoutHeap) {
  const std::string page =
      Page({ProcessWithStatus(44, "python3", ProcessStatus::kUnused),
            ProcessWithStatus(45, "varnishd", ProcessStatus::kUnreachable)});
  EXPECT_THAT(page, ContainsRegex("python3<.*another library provides malloc"));
  EXPECT_THAT(page, ContainsRegex("varnishd<.*no response within"));
}

TEST(LandingPage, HasTheKernelStateOfAnUnreachableProcess) {
  Process process =
      ProcessWithStatus(45, "varnishd", ProcessStatus::kUnreachable);
  process.kernel_state = 't';
  EXPECT_THAT(Page({process}), HasSubstr("stopped by a debugger (state t)"));
  process.kernel_state = 'D';
  EXPECT_THAT(Page({process}), HasSubstr("(state D)"));
}

TEST(LandingPage, ExplainsHowToStartAFirstProgram) {
  LandingPageOptions options;
  options.agent_path = "/lib/agent & co.so";
  EXPECT_THAT(Page({}, "", options),
              HasSubstr("LD_PRELOAD=/lib/agent &amp; co.so redis-server"));
  EXPECT_THAT(Page({UsedProcess(1, "a")}, "", options),
              Not(HasSubstr("LD_PRELOAD")));
}

TEST(LandingPage, ExplainsAnEmptyCommand) {
  LandingPageOptions options;
  options.serves_command = true;
  EXPECT_THAT(Page({}, "", options), HasSubstr("--with-jemalloc"));
}

TEST(LandingPage, LinksToEndpointsRelatively) {
  LandingPageOptions options;
  options.telemetry_path = "/a:b/heap";
  const std::string page = Page({UsedProcess(1, "a")}, "", options);
  EXPECT_THAT(page, HasSubstr("href=\"./a:b/heap\""));
  EXPECT_THAT(page, HasSubstr("href=\"./-/healthy\""));
  EXPECT_FALSE(std::regex_search(page, std::regex("href=\"/")));
}

TEST(LandingPage, RefreshesUnlessItIsPaused) {
  EXPECT_THAT(Page({}), HasSubstr("http-equiv=\"refresh\""));
  const std::string paused = Page({}, "refresh=off");
  EXPECT_THAT(paused, Not(HasSubstr("http-equiv=\"refresh\"")));
  EXPECT_THAT(paused, HasSubstr("?sort=live&amp;order=desc&amp;refresh=off\""));
}

TEST(LandingPage, LoadsNothingAndHasNoScript) {
  EXPECT_FALSE(std::regex_search(
      Page({UsedProcess(1, "a")}),
      std::regex("<script|src=|@import|url\\(|<link[^>]*http|\\son[a-z]+=")));
}

}  // namespace
}  // namespace jemalloc_exporter
