#include "exporter/attach/trace_permission.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

// Of a kernel without yama, and of one with it.
TEST(DescribeMissingPermission, NamesTheUserWhereYamaForbidsNothing) {
  for (const char* const scope : {"", "0\n"}) {
    EXPECT_EQ(DescribeMissingPermission(scope),
              "not allowed to look into it (needs its user and "
              "kernel.yama.ptrace_scope 0, or CAP_SYS_PTRACE)");
  }
}

TEST(DescribeMissingPermission, NamesTheCapabilityWhereYamaForbidsUsers) {
  EXPECT_EQ(DescribeMissingPermission("1\n"),
            "not allowed to look into it (needs CAP_SYS_PTRACE: "
            "kernel.yama.ptrace_scope is 1)");
  EXPECT_EQ(DescribeMissingPermission("2\n"),
            "not allowed to look into it (needs CAP_SYS_PTRACE: "
            "kernel.yama.ptrace_scope is 2)");
}

TEST(DescribeMissingPermission, NamesTheBootWhereYamaForbidsTracing) {
  EXPECT_EQ(DescribeMissingPermission("3\n"),
            "not allowed to look into it (kernel.yama.ptrace_scope is 3: no "
            "process can be traced until the next boot)");
}

}  // namespace
}  // namespace jemalloc_exporter
