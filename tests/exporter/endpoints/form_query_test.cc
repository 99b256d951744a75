#include "exporter/endpoints/form_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ParseFormQuery, ReturnsNamesAndValuesInOrder) {
  EXPECT_THAT(ParseFormQuery("b=1&a=2&b=3"),
              ElementsAre(Pair("b", "1"), Pair("a", "2"), Pair("b", "3")));
  EXPECT_THAT(ParseFormQuery(""), ElementsAre());
  EXPECT_THAT(ParseFormQuery("&a&=b&c=&d=e=f"),
              ElementsAre(Pair("", ""), Pair("a", ""), Pair("", "b"),
                          Pair("c", ""), Pair("d", "e=f")));
}

TEST(ParseFormQuery, DecodesNamesAndValues) {
  EXPECT_THAT(
      ParseFormQuery("p%69d=%34+2&x=%26%3D%00"),
      ElementsAre(Pair("pid", "4 2"), Pair("x", std::string("&=\0", 3))));
  EXPECT_THAT(
      ParseFormQuery("a=%&b=%4&c=%zz%-1"),
      ElementsAre(Pair("a", "%"), Pair("b", "%4"), Pair("c", "%zz%-1")));
}

TEST(Quoted, IsOneLineOfBoundedLength) {
  EXPECT_EQ(Quoted("redis"), "'redis'");
  EXPECT_EQ(Quoted("a\r\nb\x80"), "'a??b?'");
  EXPECT_EQ(Quoted(std::string(65, 'x')), "'" + std::string(64, 'x') + "...'");
}

}  // namespace
}  // namespace jemalloc_exporter
