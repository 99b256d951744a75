#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_SUBPROCESS_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_SUBPROCESS_H_

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <iterator>
#include <optional>

namespace jemalloc_exporter {

/// Runs `test` in a process of its own, whose circumstances it may change.
template <typename Test>
void RunInSubprocess(Test test) {
  const pid_t child = fork();
  if (child == 0) {
    test();
    static_cast<void>(std::fflush(nullptr));
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "see above";
}

/// Makes system call `number` fail with `error` in this process from now on; if
/// `first_argument` is given, when it is called with that.
inline void FailSystemCall(int number, int error,
                           std::optional<int> first_argument = {}) {
  const unsigned char skip_argument = first_argument ? 0 : 2;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number),
               skip_argument, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
               static_cast<unsigned>(first_argument.value_or(0)), 0, 1),
      BPF_STMT(BPF_RET | BPF_K,
               SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{std::size(program), program};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                    SECCOMP_FILTER_FLAG_TSYNC, &filter),
            0);
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_SUBPROCESS_H_
