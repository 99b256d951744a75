#include "exporter/attach/signal_frame.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

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
  // Of EINTR in its lower half only.
  EXPECT_FALSE(IsInterrupted(0xFFFFFFFE'00000000 - EINTR));
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

// glibc has the kernel's layout under names of its own.
ucontext_t ContextOf(const ThreadState& state) {
  constexpr std::uint64_t kAddress = 0x10008;
  ucontext_t context = {};
  const auto bytes = SignalFrame(state, 0xabcd).At(kAddress);
  std::memcpy(&context, &bytes[sizeof(std::uint64_t)],
              offsetof(ucontext_t, uc_sigmask) + sizeof(std::uint64_t));
  return context;
}

TEST(SignalFrame, HasTheRegistersAndTheSignalMask) {
  ThreadState state;
  user_regs_struct& r = state.registers;
  r.rip = 1, r.rsp = 2, r.rax = 3, r.rbx = 4, r.rcx = 5, r.rdx = 6;
  r.rsi = 7, r.rdi = 8, r.rbp = 9, r.r8 = 10, r.r9 = 11, r.r10 = 12;
  r.r11 = 13, r.r12 = 14, r.r13 = 15, r.r14 = 16, r.r15 = 17, r.eflags = 18;
  r.cs = 0x33, r.ss = 0x2b;
  state.signal_mask = 0x12345678'9ABCDEF0;
  const ucontext_t context = ContextOf(state);
  constexpr int kOrder[] = {REG_RIP, REG_RSP, REG_RAX, REG_RBX, REG_RCX,
                            REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_R8,
                            REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13,
                            REG_R14, REG_R15, REG_EFL};
  for (int i = 0; i < 18; ++i) {
    EXPECT_EQ(context.uc_mcontext.gregs[kOrder[i]], i + 1);
  }
  EXPECT_EQ(context.uc_mcontext.gregs[REG_CSGSFS], 0x002b0000'00000033);
  std::uint64_t mask = 0;
  std::memcpy(&mask, &context.uc_sigmask, sizeof(mask));
  EXPECT_EQ(mask, state.signal_mask);
}

// rt_sigreturn(2) ignores that sigaltstack(2) fails.
TEST(SignalFrame, KeepsTheAlternateStack) {
  const ucontext_t context = ContextOf(ThreadState());
  EXPECT_EQ(sigaltstack(&context.uc_stack, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
}

// The kernel rejects a frame with tiles that the thread has not requested.
TEST(SignalFrame, HasTilesOnlyWhereTheThreadUsesThem) {
  constexpr std::uint64_t kVectors = 3;
  constexpr std::uint64_t kTiles = std::uint64_t{3} << 17;
  for (const std::uint64_t in_use : {kVectors, kVectors | kTiles}) {
    ThreadState state;
    state.extended.resize(12'000);
    const std::uint64_t all = kVectors | kTiles;
    std::memcpy(&state.extended[464], &all, sizeof(all));
    std::memcpy(&state.extended[512], &in_use, sizeof(in_use));
    constexpr std::uint64_t kAddress = 0x10008;
    const auto bytes = SignalFrame(state, 0xabcd).At(kAddress);
    constexpr std::size_t kExtendedPointer = 8 + 40 + 184;
    std::uint64_t extended = 0;
    std::memcpy(&extended, &bytes[kExtendedPointer], sizeof(extended));
    std::uint64_t features = 0;
    std::memcpy(&features, &bytes[extended - kAddress + 464 + 8],
                sizeof(features));
    EXPECT_EQ(features, in_use);
  }
}

}  // namespace
}  // namespace jemalloc_exporter
