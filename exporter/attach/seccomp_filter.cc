#include "exporter/attach/seccomp_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace jemalloc_exporter {
namespace {

struct NamedCall {
  int number;
  std::string_view name;
  std::array<std::uint64_t, 6> arguments;
};

// As pthread_create(3) of glibc; in clone3(2) a filter cannot read them.
constexpr std::uint64_t kThreadFlags =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
    CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
constexpr std::uint64_t kAllDescriptors = 0xFFFFFFFF;
constexpr std::uint64_t kNoDescriptor = 0xFFFFFFFF;
constexpr std::uint64_t kCurrentFolder = 0xFFFFFF9C;  // AT_FDCWD
constexpr std::uint64_t kMaskBytes = 8;
constexpr std::uint64_t kReadWrite = PROT_READ | PROT_WRITE;
constexpr std::uint64_t kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

// What the agent's thread makes, and the host's threads for it: see
// exporter/agent/system_call_probe.cc. Addresses, sizes and descriptors are 0.
#define CALL(name, ...)                \
  NamedCall {                          \
    SYS_##name, #name, { __VA_ARGS__ } \
  }
constexpr NamedCall kAgentCalls[] = {
    CALL(accept4, 0, 0, 0, SOCK_CLOEXEC),
    CALL(bind),
    CALL(capget),
    CALL(capset),
    CALL(chdir),
    CALL(clone, kThreadFlags),
    CALL(clone3),
    CALL(close),
    CALL(close_range, 0, kAllDescriptors, CLOSE_RANGE_UNSHARE),
    CALL(exit),
    CALL(futex, 0, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME),
    CALL(futex, 0, FUTEX_WAKE_PRIVATE, 1),
    CALL(getdents64),
    CALL(geteuid),
    CALL(getpid),
    CALL(getresgid),
    CALL(getresuid),
    CALL(getsockopt, 0, SOL_SOCKET, SO_PEERCRED),
    CALL(gettid),
    CALL(listen),
    CALL(lseek, 0, 0, SEEK_SET),
    CALL(madvise, 0, 0, MADV_DONTNEED),
    CALL(mmap, 0, 0, PROT_NONE, kAnonymous | MAP_STACK, kNoDescriptor),
    CALL(mmap, 0, 0, kReadWrite, kAnonymous | MAP_NORESERVE, kNoDescriptor),
    CALL(mprotect, 0, 0, kReadWrite),
    CALL(munmap),
    CALL(openat, kCurrentFolder, 0, O_RDONLY | O_CLOEXEC),
    CALL(openat, kCurrentFolder, 0, O_RDONLY | O_CLOEXEC | O_DIRECTORY),
    CALL(poll),
    CALL(prctl, PR_GET_DUMPABLE),
    CALL(prctl, PR_GET_NAME),
    CALL(prctl, PR_SET_DUMPABLE, 1),
    CALL(prctl, PR_SET_NAME),
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 1),
    CALL(read),
    CALL(rseq),
    CALL(rt_sigaction),
    CALL(rt_sigprocmask, SIG_BLOCK, 0, 0, kMaskBytes),
    CALL(rt_sigprocmask, SIG_SETMASK, 0, 0, kMaskBytes),
    CALL(sched_yield),
    CALL(sendto, 0, 0, 0, MSG_DONTWAIT | MSG_NOSIGNAL),
    CALL(set_robust_list),
    CALL(setgroups),
    CALL(setresgid),
    CALL(setresuid),
    CALL(signalfd4, kNoDescriptor, 0, kMaskBytes, SFD_CLOEXEC),
    CALL(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK),
    CALL(tgkill),
    CALL(unshare, CLONE_FILES),
    CALL(unshare, CLONE_FS),
    CALL(wait4),
};
#undef CALL

// The kernel accepts at most this many instructions: BPF_MAXINSNS.
constexpr std::size_t kMaxInstructions = 4096;

std::uint32_t Operate(std::uint16_t operation, std::uint32_t a,
                      std::uint32_t b) {
  switch (operation) {
    case BPF_ADD:
      return a + b;
    case BPF_SUB:
      return a - b;
    case BPF_MUL:
      return a * b;
    case BPF_DIV:
      return b == 0 ? 0 : a / b;
    case BPF_OR:
      return a | b;
    case BPF_AND:
      return a & b;
    case BPF_XOR:
      return a ^ b;
    case BPF_LSH:
      return b < 32 ? a << b : 0;
    case BPF_RSH:
      return b < 32 ? a >> b : 0;
    default:
      return ~a + 1;  // BPF_NEG
  }
}

bool Compare(std::uint16_t operation, std::uint32_t a, std::uint32_t b) {
  switch (operation) {
    case BPF_JEQ:
      return a == b;
    case BPF_JGT:
      return a > b;
    case BPF_JGE:
      return a >= b;
    default:
      return (a & b) != 0;  // BPF_JSET
  }
}

bool IsHarmless(std::uint32_t result) {
  const std::uint32_t action = result & SECCOMP_RET_ACTION_FULL;
  return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG ||
         action == SECCOMP_RET_ERRNO;
}

}  // namespace

std::optional<std::uint32_t> RunFilter(const std::vector<sock_filter>& program,
                                       const seccomp_data& data) {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory{};
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& [code, on_true, on_false, k] = program[at];
    const bool is_memory = k < memory.size();
    switch (BPF_CLASS(code)) {
      case BPF_LD:
        if (BPF_MODE(code) == BPF_ABS && k + sizeof(a) <= sizeof(data)) {
          std::memcpy(&a, reinterpret_cast<const char*>(&data) + k, sizeof(a));
        } else if (BPF_MODE(code) == BPF_LEN) {
          a = sizeof(data);
        } else if (BPF_MODE(code) == BPF_IMM) {
          a = k;
        } else if (BPF_MODE(code) == BPF_MEM && is_memory) {
          a = memory.at(k);
        } else {
          return std::nullopt;
        }
        break;
      case BPF_LDX:
        if (BPF_MODE(code) == BPF_MEM && is_memory) {
          x = memory.at(k);
        } else {
          x = BPF_MODE(code) == BPF_LEN ? sizeof(data) : k;
        }
        break;
      case BPF_ST:
      case BPF_STX:
        if (!is_memory) return std::nullopt;
        memory.at(k) = BPF_CLASS(code) == BPF_ST ? a : x;
        break;
      case BPF_ALU:
        a = Operate(BPF_OP(code), a, BPF_SRC(code) == BPF_X ? x : k);
        break;
      case BPF_JMP:
        if (BPF_OP(code) == BPF_JA) {
          at += k;
        } else {
          const std::uint32_t operand = BPF_SRC(code) == BPF_X ? x : k;
          at += Compare(BPF_OP(code), a, operand) ? on_true : on_false;
        }
        break;
      case BPF_RET:
        return BPF_RVAL(code) == BPF_A ? a : k;
      default:  // BPF_MISC
        (BPF_MISCOP(code) == BPF_TAX ? x : a) =
            BPF_MISCOP(code) == BPF_TAX ? a : x;
    }
  }
  return std::nullopt;
}

std::optional<std::vector<std::vector<sock_filter>>> ReadFilters(pid_t thread) {
  std::vector<std::vector<sock_filter>> filters;
  std::vector<sock_filter> program(kMaxInstructions);
  for (std::uintptr_t index = 0;; ++index) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): ptrace(2) takes a pointer.
    auto* const number = reinterpret_cast<void*>(index);
    const auto count =
        ptrace(static_cast<__ptrace_request>(PTRACE_SECCOMP_GET_FILTER), thread,
               number, program.data());
    if (count < 0) {
      if (errno == ENOENT) return filters;  // After the last one.
      return std::nullopt;
    }
    filters.emplace_back(program.begin(), program.begin() + count);
  }
}

std::string_view FindForbiddenCall(
    const std::vector<std::vector<sock_filter>>& filters) {
  for (const NamedCall& call : kAgentCalls) {
    seccomp_data data = {};
    data.nr = call.number;
    data.arch = AUDIT_ARCH_X86_64;
    std::copy(call.arguments.begin(), call.arguments.end(), data.args);
    for (const auto& filter : filters) {
      const auto result = RunFilter(filter, data);
      if (!result || !IsHarmless(*result)) return call.name;
    }
  }
  return {};
}

}  // namespace jemalloc_exporter
