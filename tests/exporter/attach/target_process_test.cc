#include "exporter/attach/target_process.h"

#include <gtest/gtest.h>

#include <string>

namespace jemalloc_exporter {
namespace {

// The text of /proc/42/status with these lines before those of any process.
std::string Status(const std::string& lines) {
  return lines +
         "Name:\tredis\nState:\tS (sleeping)\nTgid:\t42\nPid:\t42\n"
         "PPid:\t1\nTracerPid:\t0\nVmSize:\t  4096 kB\n"
         "x86_Thread_features:\t\nx86_Thread_features_locked:\t\n";
}

TEST(FindStatusObstacle, IsEmptyForAProcessThatWaits) {
  EXPECT_EQ(FindStatusObstacle(42, Status("")), "");
}

TEST(FindStatusObstacle, NamesTheState) {
  EXPECT_EQ(FindStatusObstacle(42, Status("State:\tZ (zombie)\n")), "a zombie");
  EXPECT_EQ(FindStatusObstacle(42, Status("State:\tX (dead)\n")), "a zombie");
  EXPECT_EQ(FindStatusObstacle(42, Status("State:\tT (stopped)\n")),
            "is stopped");
  EXPECT_EQ(FindStatusObstacle(42, Status("TracerPid:\t7\n")),
            "is being traced by 7");
  EXPECT_EQ(FindStatusObstacle(43, Status("")), "a thread of process 42");
}

TEST(FindStatusObstacle, DistinguishesKernelThreads) {
  const std::string status = "State:\tS (sleeping)\nTgid:\t42\n";
  EXPECT_EQ(FindStatusObstacle(42, status + "PPid:\t2\n"), "a kernel thread");
  EXPECT_EQ(FindStatusObstacle(42, status + "PPid:\t1\n"), "has ended");
}

// A call would return to an address that its shadow stack does not have.
TEST(FindStatusObstacle, NamesShadowStacks) {
  EXPECT_EQ(FindStatusObstacle(42, Status("x86_Thread_features:\tshstk \n")),
            "has shadow stacks");
  EXPECT_EQ(
      FindStatusObstacle(42, Status("x86_Thread_features:\tshstk wrss\n")),
      "has shadow stacks");
}

}  // namespace
}  // namespace jemalloc_exporter
