#include "exporter/process/proc_stat.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "tests/support/own_comm.h"

namespace jemalloc_exporter {
namespace {

constexpr KernelUnits kUnits{
    .ticks_per_second = 100, .page_bytes = 4096, .boot_time_seconds = 1e9};

// A line of Linux 6.1; each parsed field has a value of its own.
std::string Line(const std::string& comm) {
  return "42 (" + comm +
         ") S 7 42 42 0 -1 4194560 1051 0 0 0 150 25 0 0 20 0 3 0 1234 "
         "987654144 2560 18446744073709551615 1 1 0 0 0 0 0 4096 1073 0 0 0 17 "
         "1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

ProcStat Expected(const std::string& comm) {
  return {.comm = comm,
          .state = 'S',
          .parent_pid = 7,
          .cpu_seconds = 1.75,
          .virtual_memory_bytes = 987'654'144,
          .resident_memory_bytes = 2560 * 4096,
          .start_time_seconds = 1e9 + 12.34};
}

TEST(ProcStat, ConvertsToBaseUnits) {
  EXPECT_EQ(ParseProcStat(Line("redis-server"), kUnits),
            Expected("redis-server"));
}

TEST(ProcStat, KeepsAnyNameUnchanged) {
  for (const std::string name :
       {"", " ", ") S 1 (", "a b)", "((", "\xff\n\x01"}) {
    EXPECT_EQ(ParseProcStat(Line(name), kUnits), Expected(name));
  }
}

TEST(ProcStat, IsAbsentForMalformedLines) {
  const std::string line = Line("redis");
  for (const std::string& broken :
       {std::string(), std::string("42 redis S 1"), std::string(")42("),
        line.substr(0, line.find("2560") - 1),
        std::string("42 (redis)S 1 2")}) {
    EXPECT_EQ(ParseProcStat(broken, kUnits), std::nullopt) << broken;
  }
}

TEST(ProcStat, DescribesThisProcess) {
  const auto stat = ReadProcStat(getpid());
  ASSERT_NE(stat, std::nullopt);
  EXPECT_EQ(stat->comm, OwnComm());
  EXPECT_EQ(stat->parent_pid, getppid());
  EXPECT_GT(stat->virtual_memory_bytes, stat->resident_memory_bytes);
  EXPECT_GT(stat->resident_memory_bytes, 100'000);
  EXPECT_NEAR(stat->start_time_seconds, static_cast<double>(time(nullptr)), 60);
}

TEST(ProcStat, IsAbsentWithoutSuchAProcess) {
  EXPECT_EQ(ReadProcStat(-1), std::nullopt);
}

// A child that is reaped between open(2) and read(2).
TEST(ProcStat, IsAbsentForAProcessThatEndsMeanwhile) {
  std::signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 300; ++i) {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    while (ReadProcStat(pid)) {
    }
  }
  std::signal(SIGCHLD, SIG_DFL);
}

}  // namespace
}  // namespace jemalloc_exporter
