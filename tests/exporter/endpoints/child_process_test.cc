#include "exporter/endpoints/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <system_error>

#include "exporter/http/file_descriptor.h"
#include "tests/support/subprocess.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;
using End = ChildResult::End;

ChildLimits Limits(std::size_t max_output_bytes = 1 << 20,
                   seconds time = seconds(60)) {
  return {.deadline = steady_clock::now() + time,
          .max_output_bytes = max_output_bytes};
}

ChildResult RunShell(const std::string& script,
                     const ChildLimits& limits = Limits()) {
  return RunChild("/bin/sh", {"-c", script}, limits);
}

// Whether the shell whose pid is the output still exists.
bool IsRunning(const ChildResult& result) {
  const pid_t pid = std::stoi(result.output);
  return kill(pid, 0) == 0;
}

TEST(RunChild, ReturnsOutputErrorAndExitStatus) {
  const ChildResult result = RunShell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.end, End::kExited);
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.error, "err\n");
}

TEST(RunChild, ReturnsThatTheChildWasKilled) {
  EXPECT_EQ(RunShell("kill -9 $$").end, End::kKilled);
}

TEST(RunChild, ReadsMoreThanAPipeHolds) {
  const ChildResult result =
      RunShell("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2");
  EXPECT_EQ(result.end, End::kExited);
  EXPECT_EQ(result.output.size(), 1'000'000U);
  EXPECT_EQ(result.error.size(), 4096U);
}

TEST(RunChild, LimitsTheOutput) {
  EXPECT_EQ(RunShell("printf 12345", Limits(5)).output, "12345");
  EXPECT_EQ(RunShell("printf 123456", Limits(5)).end, End::kTooMuchOutput);
  EXPECT_EQ(RunShell("exec cat /dev/zero", Limits(5)).end, End::kTooMuchOutput);
}

TEST(RunChild, KillsTheChildAtTheDeadline) {
  const ChildResult result =
      RunShell("echo $$; exec sleep 600", Limits(100, seconds(1)));
  EXPECT_EQ(result.end, End::kDeadline);
  EXPECT_FALSE(IsRunning(result));
}

TEST(RunChild, KillsAChildThatHasClosedItsOutput) {
  const ChildResult result =
      RunShell("echo $$; exec sleep 600 >&- 2>&-", Limits(100, seconds(1)));
  EXPECT_EQ(result.end, End::kDeadline);
  EXPECT_FALSE(IsRunning(result));
}

TEST(RunChild, KillsTheChildWhereItsOutputIsAbandoned) {
  const std::string started =
      testing::TempDir() + "started." + std::to_string(getpid());
  ChildLimits limits = Limits();
  int calls = 0;
  // The output is read between two calls.
  limits.is_abandoned = [&] {
    return access(started.c_str(), F_OK) == 0 && ++calls > 1;
  };
  const ChildResult result =
      RunShell("echo $$; : >" + started + "; exec sleep 600", limits);
  unlink(started.c_str());
  EXPECT_EQ(result.end, End::kAbandoned);
  EXPECT_FALSE(IsRunning(result));
}

TEST(RunChild, ThrowsWhereTheProgramCannotBeStarted) {
  EXPECT_THROW(RunChild("/no/such/program", {}, Limits()), std::system_error);
}

TEST(RunChild, PassesNoVariablesOfThisProgram) {
  RunInSubprocess([] {
    for (const char* const name :
         {"JEMALLOC_EXPORTER_OUTPUT", "DEBUGINFOD_URLS", "MALLOC_CONF",
          "LD_PRELOAD", "MALLOC_CONF_OF_ANOTHER"}) {
      setenv(name, "", 1);
    }
    const ChildResult result = RunShell("export -p");
    EXPECT_THAT(result.output, HasSubstr("MALLOC_CONF_OF_ANOTHER="));
    for (const char* const omitted :
         {"EXPORTER_", "DEBUGINFOD", "MALLOC_CONF=", "LD_PRELOAD="}) {
      EXPECT_THAT(result.output, Not(HasSubstr(omitted)));
    }
  });
}

// The kernel then reaps it.
TEST(RunChild, HasNoStatusWhereThisProcessIgnoresSigchld) {
  RunInSubprocess([] {
    std::signal(SIGCHLD, SIG_IGN);
    EXPECT_EQ(RunShell("exit 0").end, End::kKilled);
  });
}

TEST(RunChild, PassesNeitherSignalMaskNorDescriptors) {
  const FileDescriptor inheritable(open("/dev/null", O_RDONLY));
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const auto pipe_before = std::signal(SIGPIPE, SIG_IGN);
  // The descriptors of ls: three, and that of the folder.
  const ChildResult result =
      RunShell("ls /proc/self/fd | wc -l; kill -PIPE $$");
  // Not by a shell, which unblocks the signals of its children.
  const ChildResult mask =
      RunChild("/bin/grep", {"SigBlk", "/proc/self/status"}, Limits());
  std::signal(SIGPIPE, pipe_before);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(mask.output, "SigBlk:\t0000000000000000\n");
  EXPECT_EQ(result.output, "4\n");
  EXPECT_EQ(result.end, End::kKilled);
}

}  // namespace
}  // namespace jemalloc_exporter
