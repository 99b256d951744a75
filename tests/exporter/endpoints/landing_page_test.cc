#include "exporter/endpoints/landing_page.h"

#include <gtest/gtest.h>

#include <regex>

#include "build_info.h"
#include "tests/support/golden.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::minutes;

constexpr HeapHistory::Time kNow{std::chrono::hours(1)};

std::string Masked(std::string page) {
  for (const auto mask : {kVersion, kRevision}) {
    page.replace(page.rfind(mask), mask.size(), "…");
  }
  return page;
}

TEST(LandingPage, ShowsEveryProcessButTheUnused) {
  Process redis;
  redis.pid = 42;
  redis.comm = "redis-server";
  redis.status = ProcessStatus::kUsed;
  redis.heap_state = HeapState::test_fixture();
  redis.resident_memory_bytes = 3'145'728;
  Process with_holes = redis;
  with_holes.pid = 43;
  with_holes.comm = "<b>&\"";
  with_holes.heap_state.active_bytes = std::nullopt;
  with_holes.heap_state.narenas = std::nullopt;
  with_holes.resident_memory_bytes = std::nullopt;
  Process unused = redis;
  unused.pid = 44;
  unused.status = ProcessStatus::kUnused;
  Process stopped;
  stopped.pid = 45;
  stopped.comm = "varnishd";
  HeapHistory history;
  history.Record({redis}, kNow - minutes(5));
  history.Record({redis, with_holes}, kNow);
  ExpectGolden(Masked(LandingPage({redis, with_holes, unused, stopped}, history,
                                  kNow, "/metrics")),
               "landing_page.html");
}

TEST(LandingPage, LoadsNothingFromElsewhereAndNeedsNoScript) {
  const std::string page = LandingPage({}, HeapHistory(), kNow, "/metrics");
  EXPECT_FALSE(std::regex_search(
      page, std::regex("<script|src=|@import|url\\(|https?://")));
}

}  // namespace
}  // namespace jemalloc_exporter
