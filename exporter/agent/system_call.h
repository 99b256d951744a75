#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_SYSTEM_CALL_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_SYSTEM_CALL_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>

/// System calls without libc's functions.
///
/// A host can have a function of its own with the name `send` or `poll`, and
/// the dynamic linker then takes that for libc's. A preloaded library that
/// records the host's descriptors by number replaces `close`; the numbers of
/// the agent's thread are of another table.
namespace jemalloc_exporter {
namespace system_call_internal {

inline std::intptr_t Word(std::nullptr_t) { return 0; }
inline std::intptr_t Word(const void* pointer) {
  return static_cast<std::intptr_t>(reinterpret_cast<std::uintptr_t>(pointer));
}
inline std::intptr_t Word(std::intptr_t value) { return value; }
inline std::intptr_t Word(std::uintptr_t value) {
  return static_cast<std::intptr_t>(value);
}
inline std::intptr_t Word(unsigned value) {
  return static_cast<std::intptr_t>(value);
}
// As libc passes it. Filters can compare the upper half, too, which the kernel
// ignores.
inline std::intptr_t Word(int value) {
  return Word(static_cast<unsigned>(value));
}

// Returns the negative errno on an error. The kernel ignores the registers of
// arguments that a call lacks.
inline std::intptr_t Call(std::intptr_t number, std::intptr_t a,
                          std::intptr_t b, std::intptr_t c, std::intptr_t d,
                          std::intptr_t e, std::intptr_t f) {
#if defined(__x86_64__)
  std::intptr_t result = number;
  register std::intptr_t r10 __asm__("r10") = d;
  register std::intptr_t r8 __asm__("r8") = e;
  register std::intptr_t r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register std::intptr_t x8 __asm__("x8") = number;
  register std::intptr_t x0 __asm__("x0") = a;
  register std::intptr_t x1 __asm__("x1") = b;
  register std::intptr_t x2 __asm__("x2") = c;
  register std::intptr_t x3 __asm__("x3") = d;
  register std::intptr_t x4 __asm__("x4") = e;
  register std::intptr_t x5 __asm__("x5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
#else
#error "Add the system call instruction of this processor."
#endif
}

}  // namespace system_call_internal

/// As syscall(2): the result, or -1 with errno.
template <typename... Arguments>
std::intptr_t SystemCall(std::intptr_t number, Arguments... arguments) {
  constexpr std::size_t kMaxArguments = 6;
  static_assert(sizeof...(arguments) <= kMaxArguments);
  // One more, because an array cannot be empty.
  const std::intptr_t words[kMaxArguments + 1] = {
      system_call_internal::Word(arguments)...};
  const std::intptr_t result = system_call_internal::Call(
      number, words[0], words[1], words[2], words[3], words[4], words[5]);
  constexpr std::intptr_t kMaxErrno = 4095;
  if (result >= 0 || result < -kMaxErrno) return result;
  errno = static_cast<int>(-result);
  return -1;
}

inline int GetPid() { return static_cast<int>(SystemCall(SYS_getpid)); }

/// As open(2) with O_RDONLY, O_CLOEXEC and `flags`.
inline int OpenFile(const char* path, int flags = 0) {
  return static_cast<int>(
      SystemCall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | flags));
}

/// As poll(2), but `timeout_ms` is at least 0. 64-bit Arm has ppoll(2) only,
/// which rejects a negative time.
inline int Poll(pollfd* files, unsigned count, int timeout_ms) {
#ifdef SYS_poll
  return static_cast<int>(SystemCall(SYS_poll, files, count, timeout_ms));
#else
  constexpr int kMsPerSecond = 1000;
  constexpr std::int64_t kNsPerMs = 1'000'000;
  timespec timeout = {timeout_ms / kMsPerSecond,
                      timeout_ms % kMsPerSecond * kNsPerMs};
  return static_cast<int>(
      SystemCall(SYS_ppoll, files, count, &timeout, nullptr, 0));
#endif
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_SYSTEM_CALL_H_
