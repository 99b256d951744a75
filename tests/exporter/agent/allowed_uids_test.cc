#include "exporter/agent/allowed_uids.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace jemalloc_exporter {
namespace {

// Of the users 1 to 99, none of whom runs tests, those whom `list` allows.
std::vector<uid_t> Allowed(const char* list) {
  const AllowedUids allowed(list);
  std::vector<uid_t> uids;
  for (uid_t uid = 1; uid < 100; ++uid) {
    if (allowed.contains(uid)) uids.push_back(uid);
  }
  return uids;
}

TEST(AllowedUids, AlwaysHaveRootAndTheProgramsOwnUser) {
  EXPECT_TRUE(AllowedUids(nullptr).contains(0));
  EXPECT_TRUE(AllowedUids(nullptr).contains(geteuid()));
  EXPECT_EQ(Allowed(nullptr), std::vector<uid_t>{});
}

TEST(AllowedUids, HaveThoseOfTheList) {
  EXPECT_EQ(Allowed("7"), std::vector<uid_t>{7});
  EXPECT_EQ(Allowed("7,8,99"), (std::vector<uid_t>{7, 8, 99}));
  EXPECT_EQ(Allowed(",7,,8,"), (std::vector<uid_t>{7, 8}));
  EXPECT_TRUE(AllowedUids("4294967294").contains(4294967294));
}

TEST(AllowedUids, HaveNobodyForWhatIsNotANumber) {
  for (const char* const list : {"", ",", "x", "7x", " 7", "7 ", "+7", "-7",
                                 "0x7", "7;8", "4294967303"}) {
    EXPECT_EQ(Allowed(list), std::vector<uid_t>{}) << list;
  }
}

TEST(AllowedUids, HaveTheFirst32) {
  std::string list;
  for (int uid = 1; uid < 100; ++uid) list += std::to_string(uid) + ",";
  EXPECT_EQ(Allowed(list.c_str()).size(), 32);
}

}  // namespace
}  // namespace jemalloc_exporter
