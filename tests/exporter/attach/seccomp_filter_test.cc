#include "exporter/attach/seccomp_filter.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>

namespace jemalloc_exporter {
namespace {

using Program = std::vector<sock_filter>;

Program Filter(std::uint32_t number, std::uint32_t listed,
               std::uint32_t others) {
  return {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
          BPF_STMT(BPF_RET | BPF_K, listed), BPF_STMT(BPF_RET | BPF_K, others)};
}

TEST(RunFilter, ReturnsTheActionOfTheCall) {
  const Program program =
      Filter(SYS_socket, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
  seccomp_data data = {};
  data.nr = SYS_socket;
  EXPECT_EQ(RunFilter(program, data), SECCOMP_RET_KILL_PROCESS);
  data.nr = SYS_read;
  EXPECT_EQ(RunFilter(program, data), SECCOMP_RET_ALLOW);
}

// As libseccomp does: the architecture, a binary search, masked arguments.
TEST(RunFilter, ComparesAndComputes) {
  const Program program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 100, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xF),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_ST, 3),
      BPF_STMT(BPF_LD | BPF_IMM, 5),
      BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
      BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
      BPF_STMT(BPF_RET | BPF_A, 0)};
  seccomp_data data = {};
  EXPECT_EQ(RunFilter(program, data), SECCOMP_RET_KILL_PROCESS);
  data.arch = AUDIT_ARCH_X86_64;
  data.nr = 101;
  EXPECT_EQ(RunFilter(program, data), SECCOMP_RET_LOG);
  data.nr = 100;
  EXPECT_EQ(RunFilter(program, data), 14);
  data.nr = 0x33;
  EXPECT_EQ(RunFilter(program, data), 13);
}

TEST(RunFilter, ComparesWithEqualNumbers) {
  const auto compare = [](std::uint16_t operation, int number) {
    seccomp_data data = {};
    data.nr = number;
    return RunFilter(
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
         {static_cast<std::uint16_t>(BPF_JMP | BPF_K | operation), 0, 1, 4},
         BPF_STMT(BPF_RET | BPF_K, 1),
         BPF_STMT(BPF_RET | BPF_K, 0)},
        data);
  };
  for (const int number : {3, 4, 5, 12}) {
    EXPECT_EQ(compare(BPF_JEQ, number), number == 4);
    EXPECT_EQ(compare(BPF_JGT, number), number > 4);
    EXPECT_EQ(compare(BPF_JGE, number), number >= 4);
    EXPECT_EQ(compare(BPF_JSET, number), (number & 4) != 0);
  }
}

TEST(RunFilter, RejectsWhatTheKernelDoesNotAccept) {
  const seccomp_data data = {};
  EXPECT_FALSE(RunFilter({}, data));
  EXPECT_FALSE(RunFilter(
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096), BPF_STMT(BPF_RET | BPF_K, 0)},
      data));
  EXPECT_FALSE(
      RunFilter({BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 0)}, data));
  EXPECT_FALSE(RunFilter({BPF_STMT(BPF_JMP | BPF_JA, 1000)}, data));
}

TEST(FindForbiddenCall, NamesACallThatIsKilledTrappedOrNotified) {
  for (const std::uint32_t action :
       {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
        SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE}) {
    EXPECT_EQ(
        FindForbiddenCall({Filter(SYS_socket, action, SECCOMP_RET_ALLOW)}),
        "socket");
  }
}

TEST(FindForbiddenCall, TrustsNoFilterThatCannotBeRun) {
  EXPECT_NE(FindForbiddenCall({{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096)}}),
            "");
}

TEST(FindForbiddenCall, AcceptsErrorsAndOtherCalls) {
  EXPECT_EQ(FindForbiddenCall({}), "");
  EXPECT_EQ(
      FindForbiddenCall(
          {Filter(SYS_unshare, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ALLOW),
           Filter(SYS_ptrace, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_LOG)}),
      "");
}

// The one with the highest precedence decides; each is run.
TEST(FindForbiddenCall, RunsAllFilters) {
  EXPECT_EQ(
      FindForbiddenCall(
          {Filter(SYS_read, SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW),
           Filter(SYS_bind, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW)}),
      "bind");
}

// One that has `of_unix` for sockets of AF_UNIX, and `of_others` for others.
Program SocketFilter(std::uint32_t of_unix, std::uint32_t of_others) {
  return {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1),
          BPF_STMT(BPF_RET | BPF_K, of_unix),
          BPF_STMT(BPF_RET | BPF_K, of_others)};
}

TEST(FindForbiddenCall, EvaluatesTheArgumentsOfTheAgent) {
  EXPECT_EQ(FindForbiddenCall(
                {SocketFilter(SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW)}),
            "socket");
  EXPECT_EQ(FindForbiddenCall(
                {SocketFilter(SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS)}),
            "");
}

}  // namespace
}  // namespace jemalloc_exporter
