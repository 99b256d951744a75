#include "exporter/attach/signal_frame.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

namespace jemalloc_exporter {
namespace {

// Of linux/errno.h.
constexpr int kRestartSys = 512;
constexpr int kRestartNoHandler = 514;
constexpr int kRestartBlock = 516;

user_regs_struct In(std::int64_t number, int error) {
  user_regs_struct registers = {};
  registers.orig_rax = static_cast<std::uint64_t>(number);
  registers.rax = static_cast<std::uint64_t>(-error);
  registers.rip = 0x1002;
  return registers;
}

int Error(const user_regs_struct& registers) {
  return -static_cast<int>(registers.rax);
}

TEST(IsInterrupted, IsTrueForTheKernelsRestartsAndEintr) {
  for (const int error :
       {EINTR, kRestartSys, 513, kRestartNoHandler, kRestartBlock}) {
    EXPECT_TRUE(IsInterrupted(static_cast<std::uint64_t>(-error))) << error;
  }
  for (const int result : {0, 1, 512, -EAGAIN, -ENOSYS}) {
    EXPECT_FALSE(IsInterrupted(static_cast<std::uint64_t>(result))) << result;
  }
}

// epoll_wait(2) returns EINTR where no signal arrived.
TEST(RestartingRegisters, TurnEintrIntoARestart) {
  EXPECT_EQ(Error(RestartingRegisters(In(SYS_epoll_wait, EINTR))),
            kRestartNoHandler);
  EXPECT_EQ(Error(RestartingRegisters(In(SYS_poll, kRestartBlock))),
            kRestartBlock);
  EXPECT_EQ(RestartingRegisters(In(SYS_epoll_wait, -3)).rax, 3);
  // Not in a system call: rax is any number.
  EXPECT_EQ(Error(RestartingRegisters(In(-1, EINTR))), EINTR);
}

// nanosleep(2) would return 0 at once if the kernel had another call's block.
TEST(RestartingAnewRegisters, ReplaceTheRestartBlock) {
  const auto again = RestartingAnewRegisters(
      In(SYS_restart_syscall, kRestartBlock), SYS_nanosleep);
  EXPECT_EQ(Error(again), kRestartNoHandler);
  EXPECT_EQ(again.orig_rax, SYS_nanosleep);
  const auto unknown = RestartingAnewRegisters(
      In(SYS_restart_syscall, kRestartBlock), std::nullopt);
  EXPECT_EQ(Error(unknown), EINTR);
  EXPECT_EQ(unknown.orig_rax, ~std::uint64_t{0});
  EXPECT_EQ(
      Error(RestartingAnewRegisters(In(SYS_accept, kRestartSys), SYS_accept)),
      kRestartSys);
}

TEST(RepeatingRegisters, ReturnToTheSystemCall) {
  const auto repeated =
      RepeatingRegisters(In(SYS_poll, kRestartBlock), SYS_poll);
  EXPECT_EQ(repeated.rax, SYS_poll);
  EXPECT_EQ(repeated.rip, 0x1000);
  const auto returned = RepeatingRegisters(In(SYS_poll, -1), SYS_poll);
  EXPECT_EQ(returned.rax, 1);
  EXPECT_EQ(returned.rip, 0x1002);
}

TEST(SignalFrame, HasTheReturnAddressAndAlignedExtendedState) {
  ThreadState state;
  state.extended.resize(832);
  const SignalFrame frame(state, 0xabcd);
  for (const std::uint64_t address : {0x10008ULL, 0x10018ULL, 0x10038ULL}) {
    const auto bytes = frame.At(address);
    EXPECT_EQ(bytes.size(), frame.size());
    std::uint64_t first = 0;
    std::memcpy(&first, bytes.data(), sizeof(first));
    EXPECT_EQ(first, 0xabcd);
    constexpr std::size_t kExtendedPointer = 8 + 40 + 184;
    std::uint64_t extended = 0;
    std::memcpy(&extended, &bytes[kExtendedPointer], sizeof(extended));
    EXPECT_EQ(extended % 64, 0);
    std::uint32_t magic = 0;
    std::memcpy(&magic, &bytes[extended - address + 464], sizeof(magic));
    EXPECT_EQ(magic, 0x46505853);
  }
}

}  // namespace
}  // namespace jemalloc_exporter
