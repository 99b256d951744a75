#include "exporter/endpoints/sparkline.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

using std::chrono::minutes;

constexpr HeapHistory::Time kNow{std::chrono::hours(1)};

TEST(Sparkline, DrawsTheSpanFromLeftToRightAndTheMostResidentBytesOnTop) {
  EXPECT_EQ(Sparkline({{kNow - minutes(10), 0, 2 << 20},
                       {kNow - minutes(5), 1 << 20, 4 << 20},
                       {kNow, 2 << 20, 4 << 20}},
                      kNow),
            R"(<svg width="200.0" height="36.0" role="img" )"
            R"(aria-label="resident up to 4.0 MiB">)"
            R"(<polygon class="resident" points="0.0,36.0 )"
            R"(0.0,18.0 100.0,0.0 200.0,0.0 200.0,36.0"/>)"
            R"(<polyline class="allocated" points=")"
            R"(0.0,36.0 100.0,27.0 200.0,18.0 "/></svg>)");
}

TEST(Sparkline, IsEmptyWithoutPoints) { EXPECT_EQ(Sparkline({}, kNow), ""); }

TEST(Sparkline, StandsOnTheGroundWhenEverythingIsZero) {
  EXPECT_NE(Sparkline({{kNow, 0, 0}}, kNow).find("points=\"200.0,36.0 "),
            std::string::npos);
}

}  // namespace
}  // namespace jemalloc_exporter
