#ifndef JEMALLOC_EXPORTER_TESTS_END_TO_END_SECCOMP_FILTER_H_
#define JEMALLOC_EXPORTER_TESTS_END_TO_END_SECCOMP_FILTER_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

/// A seccomp filter: one action for the listed system calls, another for the
/// rest.
struct SeccompFilter {
  std::uint32_t listed = SECCOMP_RET_KILL_PROCESS;
  std::uint32_t others = SECCOMP_RET_ALLOW;
  std::vector<long> calls;
};

/// The number of a system call that the agent makes or that a program needs to
/// fork; any other name ends the process.
inline long SystemCallNumber(std::string_view name) {
  struct Call {
    std::string_view name;
    long number;
  };
#define CALL(name) \
  { #name, SYS_##name }
  static constexpr Call kCalls[] = {
      CALL(accept4),
      CALL(bind),
      CALL(capget),
      CALL(capset),
      CALL(chdir),
      CALL(clone),
      CALL(clone3),
      CALL(close),
      CALL(close_range),
#ifdef SYS_poll  // 64-bit Arm has only the newer calls.
      CALL(creat),
      CALL(poll),
#endif
      CALL(exit),
      CALL(exit_group),
      CALL(fcntl),
      CALL(futex),
      CALL(geteuid),
      CALL(getpid),
      CALL(getsockopt),
      CALL(gettid),
      CALL(listen),
      CALL(lseek),
      CALL(madvise),
      CALL(memfd_create),
      CALL(mmap),
      CALL(mprotect),
      CALL(munmap),
      CALL(newfstatat),
      CALL(openat),
      CALL(ppoll),
      CALL(prctl),
      CALL(prlimit64),
      CALL(process_vm_readv),
      CALL(ptrace),
      CALL(read),
      CALL(readlinkat),
      CALL(rseq),
      CALL(setns),
      CALL(rt_sigaction),
      CALL(rt_sigprocmask),
      CALL(sched_yield),
      CALL(sendmsg),
      CALL(sendto),
      CALL(set_robust_list),
      CALL(setgroups),
      CALL(setresgid),
      CALL(setresuid),
      CALL(signalfd4),
      CALL(socket),
      CALL(tgkill),
      CALL(unshare),
      CALL(wait4),
      CALL(write),
  };
#undef CALL
  for (const Call& call : kCalls) {
    if (call.name == name) return call.number;
  }
  std::fprintf(stderr, "unknown system call\n");
  std::exit(2);
}

/// Parses `kill:prctl,bind` (also `eacces:`, `enosys:`, `eperm:`, and `only:`
/// for a filter that kills for all but the listed).
inline SeccompFilter ParseSeccompFilter(std::string_view text) {
  SeccompFilter filter;
  const auto colon = text.find(':');
  const std::string_view action = text.substr(0, colon);
  if (action == "eacces") filter.listed = SECCOMP_RET_ERRNO | EACCES;
  if (action == "enosys") filter.listed = SECCOMP_RET_ERRNO | ENOSYS;
  if (action == "eperm") filter.listed = SECCOMP_RET_ERRNO | EPERM;
  if (action == "only") std::swap(filter.listed, filter.others);
  text.remove_prefix(colon + 1);
  while (!text.empty()) {
    const auto size = std::min(text.find(','), text.size());
    filter.calls.push_back(SystemCallNumber(text.substr(0, size)));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return filter;
}

/// Installs the filter for the calling thread; `flags` as for seccomp(2).
inline bool Install(const SeccompFilter& filter, unsigned flags = 0) {
  std::vector<sock_filter> code = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long call : filter.calls) {
    code.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, filter.listed));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, filter.others));
  const sock_fprog program = {static_cast<unsigned short>(code.size()),
                              code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0;
}

#endif  // JEMALLOC_EXPORTER_TESTS_END_TO_END_SECCOMP_FILTER_H_
