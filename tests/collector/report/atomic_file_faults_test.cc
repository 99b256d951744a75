// Output files where system calls fail, a mount hides the file, or another
// thread executes a program.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "collector/report/atomic_file.h"
#include "tests/support/subprocess.h"

namespace jemalloc_exporter {
namespace {

namespace fs = std::filesystem;

class AtomicFileFaults : public testing::Test {
 protected:
  AtomicFileFaults() {
    std::string name = testing::TempDir() + "atomic_file_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~AtomicFileFaults() override { fs::remove_all(folder_); }

  fs::path Path(const std::string& name) const { return folder_ / name; }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }

  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  fs::path folder_;
};

TEST_F(AtomicFileFaults, AFileIsReplacedOnceItIsOnTheDisk) {
  Write("file", "before");
  RunInSubprocess([this] {
    FailSystemCall(SYS_fsync, EIO);
    EXPECT_EQ(WriteFileAtomically(Path("file"), "now"), "Input/output error");
    EXPECT_EQ(Read("file"), "before");
    EXPECT_EQ(WriteCheckpoint(Path("file"), "checkpoint"), "");
  });
  EXPECT_EQ(Read("file"), "checkpoint");
}

// Makes open(2) fail where it would create a file that a program inherits.
void RequireCloseOnExec() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_CREAT | O_CLOEXEC),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, O_CREAT, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{std::size(program), program};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

TEST_F(AtomicFileFaults, NoProgramInheritsADescriptor) {
  fs::create_symlink("target", Path("link"));
  RunInSubprocess([this] {
    RequireCloseOnExec();
    EXPECT_EQ(WriteFileAtomically(Path("file"), "text"), "");
    EXPECT_EQ(WriteFileAtomically(Path("link"), "text"), "");
  });
}

// The path of the open file is that of another one, of the same device.
TEST_F(AtomicFileFaults, AFileThatAMountHidesIsOverwritten) {
  for (const std::string folder : {"hidden", "mounted"}) {
    fs::create_directory(Path(folder));
    Write(folder + "/file", "before");
  }
  RunInSubprocess([this] {
    const int file = open(Path("hidden/file").c_str(), O_RDWR | O_CLOEXEC);
    if ((unshare(CLONE_NEWNS) != 0 &&
         unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount(Path("mounted").c_str(), Path("hidden").c_str(), nullptr, MS_BIND,
              nullptr) != 0) {
      return;  // Not permitted here.
    }
    fs::create_symlink("/proc/self/fd/" + std::to_string(file), Path("link"));
    EXPECT_EQ(WriteFileAtomically(Path("link"), "during"), "");
    char text[16] = {};
    EXPECT_EQ(pread(file, text, sizeof(text), 0), 6);
    EXPECT_STREQ(text, "during");
    EXPECT_EQ(Read("hidden/file"), "before");
  });
  EXPECT_EQ(Read("mounted/file"), "before");
}

TEST_F(AtomicFileFaults, APendingSignalStaysPending) {
  sigset_t sigpipe;
  sigset_t previous;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, &previous);
  ASSERT_EQ(raise(SIGPIPE), 0);
  EXPECT_EQ(WriteFileAtomically("/dev/null", "text"), "");
  constexpr timespec kNow{};
  EXPECT_EQ(sigtimedwait(&sigpipe, nullptr, &kNow), SIGPIPE);
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
}

}  // namespace
}  // namespace jemalloc_exporter
