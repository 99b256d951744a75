#include "exporter/agent/host_status.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <string>

namespace jemalloc_exporter {
namespace {

constexpr const char* kText =
    "Name:\tx\nState:\tS "
    "(sleeping)\nUid:\t1\t2\t3\t4\nGid:\t4294967295\t6\t7\t8\n"
    "Groups:\t1 2 3 \nThreads:\t12\nCapPrm:\t000001fffeffffff\n"
    "CapEff:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n"
    "Seccomp_filters:\t3\nSpeculation_Store_Bypass:\tvulnerable\n";

TEST(ParseHostStatus, ReadsEachLine) {
  const HostStatus status = ParseHostStatus(kText);
  EXPECT_FALSE(status.is_zombie);
  EXPECT_EQ(status.threads, 12);
  EXPECT_EQ(status.uids[0], 1U);
  EXPECT_EQ(status.uids[2], 3U);
  EXPECT_EQ(status.gids[0], 4294967295U);
  EXPECT_EQ(status.gids[2], 7U);
  EXPECT_EQ(status.permitted, 0x1fffeffffffU);
  EXPECT_EQ(status.seccomp_filters, 3);
}

TEST(ParseHostStatus, UndoesTheEscapingOfNames) {
  EXPECT_EQ(ParseHostStatus("Name:\tx y\nUmask:\t0\n").name(), "x y");
  EXPECT_EQ(ParseHostStatus("Name:\ta\\nb\\\\c\n").name(), "a\nb\\c");
  EXPECT_EQ(ParseHostStatus("Name:\t\\").name(), "\\");
  EXPECT_EQ(ParseHostStatus("Name:\t0123456789abcdefgh\n").name(),
            "0123456789abcde");
  EXPECT_EQ(ParseHostStatus("").name(), "");
}

TEST(ParseHostStatus, RecognizesZombie) {
  EXPECT_TRUE(ParseHostStatus("Name:\tx\nState:\tZ (zombie)\n").is_zombie);
}

TEST(ParseHostStatus, LeavesAbsentLinesUnknown) {
  const HostStatus status = ParseHostStatus("");
  EXPECT_EQ(status.threads, HostStatus::kUnknown);
  EXPECT_EQ(status.seccomp_filters, HostStatus::kUnknown);
  EXPECT_EQ(status.permitted, 0U);
}

// A process can have any name, but no newline in it.
TEST(ParseHostStatus, IgnoresKeysInsideOfLines) {
  const HostStatus status = ParseHostStatus(
      "Name:\tSeccomp_filters:\t9\nSeccomp:\t2\nSeccomp_filters:\t1\n");
  EXPECT_EQ(status.seccomp_filters, 1);
}

// Linux before 5.9 has the mode only: 0 without a filter, 2 with any number.
TEST(ParseHostStatus, CountsZeroFiltersOfOldKernels) {
  EXPECT_EQ(ParseHostStatus("Name:\tx\nSeccomp:\t0\n").seccomp_filters, 0);
  EXPECT_EQ(ParseHostStatus("Name:\tx\nSeccomp:\t2\n").seccomp_filters,
            HostStatus::kUnknown);
}

TEST(ReadHostStatus, ReadsThisProcess) {
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const HostStatus status = ReadHostStatus(file);
  close(file);
  EXPECT_EQ(status.uids[1], geteuid());
  EXPECT_EQ(status.gids[1], getegid());
  EXPECT_GE(status.threads, 1);
  EXPECT_NE(status.seccomp_filters, HostStatus::kUnknown);
}

// A user can be in thousands of groups, on a line before those of seccomp.
TEST(ReadHostStatus, ReadsBehindLongLines) {
  char path[] = "/tmp/host_status_test.XXXXXX";
  const int file = mkstemp(path);
  unlink(path);
  std::string text = "Name:\tx\nGroups:\t";
  for (int i = 0; i < 2000; ++i) text += "12345 ";
  text += "\nSeccomp:\t2\nSeccomp_filters:\t5\n";
  ASSERT_EQ(write(file, text.data(), text.size()), std::ssize(text));
  lseek(file, 0, SEEK_SET);
  EXPECT_EQ(ReadHostStatus(file).seccomp_filters, 5);
  close(file);
}

TEST(ReadHostStatus, FailsToUnknown) {
  EXPECT_EQ(ReadHostStatus(-1).seccomp_filters, HostStatus::kUnknown);
}

}  // namespace
}  // namespace jemalloc_exporter
