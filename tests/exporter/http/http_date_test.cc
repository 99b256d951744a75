#include <gtest/gtest.h>

#include "exporter/http/response_writer.h"

namespace jemalloc_exporter {
namespace {

TEST(HttpDate, IsInImfFixdateFormat) {
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(HttpDate(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(1'709'210'096), "Thu, 29 Feb 2024 12:34:56 GMT");
}

}  // namespace
}  // namespace jemalloc_exporter
