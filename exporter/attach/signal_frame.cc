#include "exporter/attach/signal_frame.h"

#include <cpuid.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace jemalloc_exporter {
namespace {

// include/linux/errno.h, not for user space.
constexpr int kRestartSys = 512;
constexpr int kRestartNoIntr = 513;
constexpr int kRestartNoHandler = 514;
constexpr int kRestartBlock = 516;

// The length of the instruction `syscall`.
constexpr std::uint64_t kSystemCallBytes = 2;

// arch/x86/include/uapi/asm/sigcontext.h and ucontext.h. The headers cannot be
// included beside those of glibc.
struct KernelContext {
  std::uint64_t flags;
  std::uint64_t link;
  std::uint64_t stack_pointer;
  std::uint32_t stack_flags;
  std::uint32_t padding;
  std::uint64_t stack_size;
  std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  std::uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
  std::uint16_t cs, gs, fs, ss;
  std::uint64_t error, trap, old_mask, cr2;
  std::uint64_t extended;  // The address of the XSAVE area.
  std::uint64_t reserved[8];
  std::uint64_t signal_mask;
};
static_assert(sizeof(KernelContext) == 304);

// UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS.
constexpr std::uint64_t kContextFlags = 1 | 2 | 4;

// sigaltstack(2) fails for it, which rt_sigreturn(2) ignores: so the thread's
// alternate stack, which a tracer cannot read, remains.
constexpr std::uint32_t kInvalidStackFlags = 0x40;

// struct _fpx_sw_bytes, in the bytes of FXSAVE that are free for software.
struct SoftwareBytes {
  std::uint32_t magic;
  std::uint32_t extended_size;
  std::uint64_t features;
  std::uint32_t size;
};
constexpr std::size_t kSoftwareBytes = 464;
constexpr std::uint32_t kMagicStart = 0x46505853;
constexpr std::uint32_t kMagicEnd = 0x46505845;

// The header of XSAVE follows the 512 bytes of FXSAVE.
constexpr std::size_t kXsaveHeader = 512;
constexpr std::size_t kXsaveStart = 576;

// AMX: 8 KiB that a thread has only after it requested them.
constexpr std::uint64_t kTileFeatures = std::uint64_t{3} << 17;

constexpr std::size_t kAlignment = 64;

// The bytes that the components `features` take, see CPUID leaf 0xD.
std::size_t XsaveSize(std::uint64_t features) {
  std::size_t size = kXsaveStart;
  for (unsigned i = 2; i < 63; ++i) {
    if ((features >> i & 1) == 0) continue;
    unsigned bytes = 0;
    unsigned offset = 0;
    unsigned flags = 0;
    unsigned unused = 0;
    __cpuid_count(0xD, i, bytes, offset, flags, unused);
    size = std::max<std::size_t>(size, std::size_t{offset} + bytes);
  }
  return size;
}

// The regset has the mask of all features where the frame has the marks.
std::vector<std::byte> MarkExtended(std::vector<std::byte> extended) {
  if (extended.size() < kXsaveStart) return {};
  std::uint64_t features = 0;
  std::uint64_t in_use = 0;
  std::memcpy(&features, &extended[kSoftwareBytes], sizeof(features));
  std::memcpy(&in_use, &extended[kXsaveHeader], sizeof(in_use));
  features &= ~(kTileFeatures & ~in_use);
  const std::size_t size = std::min(XsaveSize(features), extended.size());
  extended.resize(size);
  const SoftwareBytes marks = {
      .magic = kMagicStart,
      .extended_size = static_cast<std::uint32_t>(size + sizeof(kMagicEnd)),
      .features = features,
      .size = static_cast<std::uint32_t>(size)};
  std::memcpy(&extended[kSoftwareBytes], &marks, sizeof(marks));
  const auto* const end = reinterpret_cast<const std::byte*>(&kMagicEnd);
  extended.insert(extended.end(), end, end + sizeof(kMagicEnd));
  return extended;
}

int Error(std::uint64_t result) {
  return -static_cast<int>(static_cast<std::int64_t>(result));
}

}  // namespace

bool IsInterrupted(std::uint64_t result) {
  const auto value = static_cast<std::int64_t>(result);
  if (value >= 0 || value < -4095) return false;
  const int error = Error(result);
  return error == EINTR || error == kRestartSys || error == kRestartNoIntr ||
         error == kRestartNoHandler || error == kRestartBlock;
}

bool HasRestartData(std::uint64_t result) {
  return IsInterrupted(result) && Error(result) == kRestartBlock;
}

user_regs_struct RestartingRegisters(user_regs_struct registers) {
  const bool is_in_call = static_cast<std::int64_t>(registers.orig_rax) >= 0;
  if (is_in_call && IsInterrupted(registers.rax) &&
      Error(registers.rax) == EINTR) {
    registers.rax = static_cast<std::uint64_t>(-kRestartNoHandler);
  }
  return registers;
}

user_regs_struct RestartingAnewRegisters(user_regs_struct registers,
                                         std::optional<std::uint64_t> number) {
  registers = RestartingRegisters(registers);
  if (!HasRestartData(registers.rax)) return registers;
  const int error = number ? kRestartNoHandler : EINTR;
  registers.rax = static_cast<std::uint64_t>(-error);
  registers.orig_rax = number.value_or(~std::uint64_t{0});
  return registers;
}

user_regs_struct RepeatingRegisters(user_regs_struct registers,
                                    std::optional<std::uint64_t> number) {
  if (!IsInterrupted(registers.rax)) return registers;
  if (number) {
    registers.rax = *number;
    registers.rip -= kSystemCallBytes;
  } else {
    registers.rax = static_cast<std::uint64_t>(-EINTR);
  }
  return registers;
}

SignalFrame::SignalFrame(const ThreadState& state, std::uint64_t signal_return)
    : registers_(state.registers),
      signal_mask_(state.signal_mask),
      signal_return_(signal_return),
      extended_(MarkExtended(state.extended)) {}

std::size_t SignalFrame::size() const {
  return sizeof(signal_return_) + sizeof(KernelContext) + kAlignment +
         extended_.size();
}

std::vector<std::byte> SignalFrame::At(std::uint64_t address) const {
  const user_regs_struct& r = registers_;
  const std::uint64_t context = address + sizeof(signal_return_);
  const std::uint64_t extended =
      (context + sizeof(KernelContext) + kAlignment - 1) & ~(kAlignment - 1);
  KernelContext kernel = {};
  kernel.flags = kContextFlags;
  kernel.stack_flags = kInvalidStackFlags;
  kernel.r8 = r.r8, kernel.r9 = r.r9, kernel.r10 = r.r10, kernel.r11 = r.r11;
  kernel.r12 = r.r12, kernel.r13 = r.r13, kernel.r14 = r.r14;
  kernel.r15 = r.r15, kernel.rdi = r.rdi, kernel.rsi = r.rsi;
  kernel.rbp = r.rbp, kernel.rbx = r.rbx, kernel.rdx = r.rdx;
  kernel.rax = r.rax, kernel.rcx = r.rcx, kernel.rsp = r.rsp;
  kernel.rip = r.rip, kernel.eflags = r.eflags;
  kernel.cs = static_cast<std::uint16_t>(r.cs);
  kernel.gs = static_cast<std::uint16_t>(r.gs);
  kernel.fs = static_cast<std::uint16_t>(r.fs);
  kernel.ss = static_cast<std::uint16_t>(r.ss);
  kernel.extended = extended_.empty() ? 0 : extended;
  kernel.signal_mask = signal_mask_;
  std::vector<std::byte> bytes(size());
  std::memcpy(bytes.data(), &signal_return_, sizeof(signal_return_));
  std::memcpy(&bytes[context - address], &kernel, sizeof(kernel));
  if (!extended_.empty()) {
    std::memcpy(&bytes[extended - address], extended_.data(), extended_.size());
  }
  return bytes;
}

}  // namespace jemalloc_exporter
