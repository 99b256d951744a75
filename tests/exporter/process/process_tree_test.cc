#include "exporter/process/process_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace jemalloc_exporter {
namespace {

// A child that runs `body`, then rests. Killed with the object.
class Child {
 public:
  explicit Child(const std::function<void()>& body = [] {}) {
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(0);
      body();
      for (;;) pause();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { Kill(); }

  pid_t pid() const { return pid_; }

  void Kill() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

TEST(IsDescendant, IsTrueOfChildrenAndTheirChildren) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const Child child([&] {
    const Child grandchild;
    const pid_t pid = grandchild.pid();
    if (write(pipe_ends[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    pause();
  });
  pid_t grandchild = 0;
  ASSERT_EQ(read(pipe_ends[0], &grandchild, sizeof(grandchild)),
            sizeof(grandchild));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  EXPECT_TRUE(IsDescendant(child.pid(), getpid()));
  EXPECT_TRUE(IsDescendant(grandchild, getpid()));
  EXPECT_TRUE(IsDescendant(grandchild, child.pid()));
}

TEST(IsDescendant, IsFalseOfAllOthers) {
  const Child child;
  const Child sibling;
  EXPECT_FALSE(IsDescendant(child.pid(), sibling.pid()));
  EXPECT_FALSE(IsDescendant(getpid(), child.pid()));
  EXPECT_FALSE(IsDescendant(getpid(), getpid()));
  EXPECT_FALSE(IsDescendant(1, getpid()));
  EXPECT_FALSE(IsDescendant(0, getpid()));
  EXPECT_FALSE(IsDescendant(-1, getpid()));
}

TEST(IsDescendant, IsFalseOfAProcessThatHasEnded) {
  Child child;
  const pid_t pid = child.pid();
  child.Kill();
  EXPECT_FALSE(IsDescendant(pid, getpid()));
}

// Its parent ends at any time, and this process is its new parent.
TEST(IsDescendant, IsTrueWhileAParentEnds) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int wrong = 0;
  for (int i = 0; i < 300; ++i) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t parent = fork();
    if (parent == 0) {
      const pid_t leaf = fork();
      if (leaf == 0) {
        alarm(60);
        for (;;) pause();
      }
      if (write(pipe_ends[1], &leaf, sizeof(leaf)) != sizeof(leaf)) _exit(1);
      usleep(i);
      _exit(0);
    }
    // Reaps the parent at once, so that it disappears.
    std::signal(SIGCHLD, SIG_IGN);
    pid_t leaf = 0;
    ASSERT_EQ(read(pipe_ends[0], &leaf, sizeof(leaf)), sizeof(leaf));
    for (int attempt = 0; attempt < 20; ++attempt) {
      if (!IsDescendant(leaf, getpid())) ++wrong;
    }
    kill(leaf, SIGKILL);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    std::signal(SIGCHLD, SIG_DFL);
  }
  while (wait(nullptr) > 0) {
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  EXPECT_EQ(wrong, 0);
}

TEST(ListPids, ContainsRunningProcesses) {
  const Child child;
  EXPECT_THAT(ListPids(), testing::IsSupersetOf({getpid(), child.pid()}));
}

}  // namespace
}  // namespace jemalloc_exporter
