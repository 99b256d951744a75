#include "exporter/agent/uid_allowlist.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/subprocess.h"

namespace jemalloc_exporter {
namespace {

// The uids that `list` allows, of 1 to 99: no test runs as one of them.
std::vector<uid_t> Allowed(const char* list) {
  const UidAllowlist allowed(list);
  std::vector<uid_t> uids;
  for (uid_t uid = 1; uid < 100; ++uid) {
    if (allowed.contains(uid)) uids.push_back(uid);
  }
  return uids;
}

TEST(UidAllowlist, AlwaysContainsRootAndTheEffectiveUid) {
  EXPECT_TRUE(UidAllowlist(nullptr).contains(0));
  EXPECT_TRUE(UidAllowlist(nullptr).contains(geteuid()));
  EXPECT_EQ(Allowed(nullptr), std::vector<uid_t>{});
}

// A host may have dropped its privileges for a time.
TEST(UidAllowlist, ContainsTheEffectiveUidOnly) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  RunInSubprocess([] {
    const UidAllowlist allowed(nullptr);
    ASSERT_EQ(setresuid(50, 60, 70), 0);
    EXPECT_TRUE(allowed.contains(60));
    EXPECT_FALSE(allowed.contains(50));
    EXPECT_FALSE(allowed.contains(70));
  });
}

TEST(UidAllowlist, ContainsListedUids) {
  EXPECT_EQ(Allowed("7"), std::vector<uid_t>{7});
  EXPECT_EQ(Allowed("7,8,99"), (std::vector<uid_t>{7, 8, 99}));
  EXPECT_EQ(Allowed(",7,,8,"), (std::vector<uid_t>{7, 8}));
  EXPECT_TRUE(UidAllowlist("4294967294").contains(4294967294));
}

TEST(UidAllowlist, IgnoresEntriesThatAreNoNumber) {
  for (const char* const list : {"", ",", "x", "7x", " 7", "7 ", "+7", "-7",
                                 "0x7", "7;8", "4294967303"}) {
    EXPECT_EQ(Allowed(list), std::vector<uid_t>{}) << list;
  }
}

TEST(UidAllowlist, ContainsTheFirst32) {
  std::string list;
  for (int uid = 1; uid < 100; ++uid) list += std::to_string(uid) + ",";
  EXPECT_EQ(Allowed(list.c_str()).size(), 32);
}

}  // namespace
}  // namespace jemalloc_exporter
