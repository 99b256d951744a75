#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_SIGNAL_FRAME_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_SIGNAL_FRAME_H_

#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace jemalloc_exporter {

/// The state of a thread: what a signal handler preserves.
struct ThreadState {
  user_regs_struct registers{};
  /// NT_X86_XSTATE: floating-point and vector registers in the standard format
  /// of XSAVE.
  std::vector<std::byte> extended;
  std::uint64_t signal_mask = 0;
};

/// A frame as the kernel writes it for a signal handler (arch/x86/kernel/
/// signal_64.c, struct rt_sigframe). A function that is called with its stack
/// pointer at the frame returns by rt_sigreturn(2), which restores `state`. So
/// the thread goes on even if its tracer has been killed meanwhile.
class SignalFrame {
 public:
  /// `signal_return`: see `RemoteCode`. A state inside of an interrupted system
  /// call repeats the call: rt_sigreturn(2) cancels restart_syscall(2).
  SignalFrame(const ThreadState& state, std::uint64_t signal_return);

  /// Bytes of the frame wherever it is placed.
  std::size_t size() const;

  /// The bytes of a frame at `address`, which has the alignment of a stack
  /// pointer at a function's entry: 8 modulo 16.
  std::vector<std::byte> At(std::uint64_t address) const;

 private:
  user_regs_struct registers_;
  std::uint64_t signal_mask_;
  std::uint64_t signal_return_;
  std::vector<std::byte> extended_;  // With the marks of a signal frame.
};

/// Whether a system call that was interrupted returned `result` to be restarted
/// by the kernel, see linux/errno.h; or EINTR, which epoll_wait(2) and others
/// return instead.
bool IsInterrupted(std::uint64_t result);

/// Whether the kernel has kept data of an interrupted call, to continue a time.
/// rt_sigreturn(2) discards them.
bool HasRestartData(std::uint64_t result);

/// The registers with which the kernel restarts the interrupted call, or lets
/// it fail with EINTR if a signal's handler runs first. EINTR becomes
/// ERESTARTNOHAND.
user_regs_struct RestartingRegisters(user_regs_struct registers);

/// The same for a thread in which another call has been interrupted since: the
/// kernel has replaced the block to continue this one, so it restarts from its
/// start. `number`: see `RepeatingRegisters`.
user_regs_struct RestartingAnewRegisters(user_regs_struct registers,
                                         std::optional<std::uint64_t> number);

/// The registers that make the interrupted call again, from its start.
/// `number`: of the call; absent where it is unknown, because
/// restart_syscall(2) was interrupted: then the call fails with EINTR.
user_regs_struct RepeatingRegisters(user_regs_struct registers,
                                    std::optional<std::uint64_t> number);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_SIGNAL_FRAME_H_
