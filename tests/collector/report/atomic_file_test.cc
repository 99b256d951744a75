#include "collector/report/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace jemalloc_exporter {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

class AtomicFile : public testing::Test {
 protected:
  AtomicFile() {
    std::string name = testing::TempDir() + "atomic_file_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~AtomicFile() override { fs::remove_all(folder_); }

  fs::path Path(const std::string& name) const { return folder_ / name; }

  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  Strings Names() const {
    Strings names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  fs::path MakeFifo() const {
    EXPECT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
    return Path("fifo");
  }

 private:
  fs::path folder_;
};

TEST_F(AtomicFile, HoldsTheText) {
  const std::string text(3 << 20, 'x');
  EXPECT_EQ(WriteFileAtomically(Path("file"), text), "");
  EXPECT_EQ(Read("file"), text);
  EXPECT_EQ(Names(), Strings{"file"});
}

TEST_F(AtomicFile, ReplacesARegularFile) {
  EXPECT_EQ(WriteFileAtomically(Path("file"), "before"), "");
  EXPECT_EQ(WriteFileAtomically(Path("file"), "now"), "");
  EXPECT_EQ(Read("file"), "now");
  EXPECT_EQ(WriteCheckpoint(Path("file"), "checkpoint"), "");
  EXPECT_EQ(Read("file"), "checkpoint");
}

TEST_F(AtomicFile, HasTheModeThatTheUmaskLeaves) {
  const mode_t mask = umask(027);
  WriteFileAtomically(Path("file"), "text");
  umask(mask);
  EXPECT_EQ(fs::status(Path("file")).permissions(), fs::perms(0640));
}

TEST_F(AtomicFile, KeepsTheModeOfTheReplacedFile) {
  WriteFileAtomically(Path("file"), "before");
  fs::permissions(Path("file"), fs::perms(0604));
  WriteFileAtomically(Path("file"), "now");
  EXPECT_EQ(fs::status(Path("file")).permissions(), fs::perms(0604));
}

TEST_F(AtomicFile, KeepsTheOwnerOfTheReplacedFile) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  WriteFileAtomically(Path("file"), "before");
  ASSERT_EQ(chown(Path("file").c_str(), 65534, 65534), 0);
  WriteFileAtomically(Path("file"), "now");
  struct stat file {};
  ASSERT_EQ(stat(Path("file").c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, 65534U);
  EXPECT_EQ(file.st_gid, 65534U);
}

TEST_F(AtomicFile, IsUnchangedForAReaderThatOpenedItBefore) {
  WriteFileAtomically(Path("file"), "before");
  std::ifstream file(Path("file"));
  WriteFileAtomically(Path("file"), "now");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "before");
}

// Threads have one pid, as the first processes of several containers have.
TEST_F(AtomicFile, IsWrittenByWritersOfOnePid) {
  constexpr int kWriters = 4;
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      const std::string text(10'000, static_cast<char>('a' + i));
      for (int j = 0; j < 100; ++j) {
        EXPECT_EQ(WriteCheckpoint(Path("file"), text), "");
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string text = Read("file");
  EXPECT_EQ(text, std::string(10'000, text.front()));
  EXPECT_EQ(Names(), Strings{"file"});
}

TEST_F(AtomicFile, FollowsSymbolicLinks) {
  fs::create_directory(Path("folder"));
  WriteFileAtomically(Path("folder/file"), "before");
  fs::create_symlink("file", Path("folder/relative"));
  fs::create_symlink(Path("folder/relative"), Path("absolute"));
  EXPECT_EQ(WriteFileAtomically(Path("absolute"), "now"), "");
  EXPECT_TRUE(fs::is_symlink(Path("absolute")));
  EXPECT_TRUE(fs::is_symlink(Path("folder/relative")));
  EXPECT_FALSE(fs::is_symlink(Path("folder/file")));
  EXPECT_EQ(Read("folder/file"), "now");
}

TEST_F(AtomicFile, IsCreatedAsTheTargetOfADanglingLink) {
  fs::create_symlink("file", Path("link"));
  EXPECT_EQ(WriteFileAtomically(Path("link"), "text"), "");
  EXPECT_TRUE(fs::is_symlink(Path("link")));
  EXPECT_EQ(Read("file"), "text");
}

TEST_F(AtomicFile, IsNotWrittenThroughALoopOfLinks) {
  fs::create_symlink("link", Path("link"));
  EXPECT_EQ(WriteFileAtomically(Path("link"), "text"),
            "Too many levels of symbolic links");
}

TEST_F(AtomicFile, DoesNotReplaceADevice) {
  fs::path null = Path("null");
  if (mknod(null.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) {
    GTEST_SKIP() << "needs the privilege to create a device";
  }
  const std::string error = WriteFileAtomically(null, "text");
  if (error == "Permission denied") GTEST_SKIP() << "a mount without devices";
  EXPECT_EQ(error, "");
  EXPECT_TRUE(fs::is_character_file(fs::symlink_status(null)));
  EXPECT_EQ(Names(), Strings{"null"});
}

TEST_F(AtomicFile, DoesNotReplaceALinkToADevice) {
  fs::create_symlink("/dev/null", Path("null"));
  EXPECT_EQ(WriteFileAtomically(Path("null"), "text"), "");
  EXPECT_TRUE(fs::is_symlink(Path("null")));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(AtomicFile, IsWrittenIntoAFifo) {
  const fs::path fifo = MakeFifo();
  const std::string text(1 << 20, 'x');  // More than a pipe holds.
  const int descriptor = open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  auto read = std::async(std::launch::async, [&] { return Read("fifo"); });
  EXPECT_EQ(WriteFileAtomically(fifo, text), "");
  close(descriptor);
  EXPECT_EQ(read.get(), text);
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST_F(AtomicFile, IsNotWrittenIntoAFifoWithoutAReader) {
  EXPECT_EQ(WriteFileAtomically(MakeFifo(), "text"),
            "No such device or address");
  EXPECT_EQ(Names(), Strings{"fifo"});
}

TEST_F(AtomicFile, RaisesNoSignalWhenTheReaderOfAFifoEnds) {
  const fs::path fifo = MakeFifo();
  const int descriptor = open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  std::thread reader([&] {
    char byte = 0;
    while (read(descriptor, &byte, 1) != 1) std::this_thread::yield();
    close(descriptor);
  });
  EXPECT_EQ(WriteFileAtomically(fifo, std::string(1 << 20, 'x')),
            "Broken pipe");
  reader.join();
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST_F(AtomicFile, TimesOutWhenTheReaderOfAFifoStalls) {
  const fs::path fifo = MakeFifo();
  const int descriptor = open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(WriteFileAtomically(fifo, std::string(1 << 20, 'x')),
            "Connection timed out");
  close(descriptor);
}

TEST_F(AtomicFile, IsAppendedToAnOpenDescriptor) {
  const int descriptor =
      open(Path("file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(write(descriptor, "before,", 7), 7);
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  EXPECT_EQ(WriteFileAtomically(path, "text"), "");
  close(descriptor);
  EXPECT_EQ(Read("file"), "before,text");
  EXPECT_EQ(Names(), Strings{"file"});
}

TEST_F(AtomicFile, WritesNoCheckpointToAFifo) {
  const fs::path fifo = MakeFifo();
  const int descriptor = open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(WriteCheckpoint(fifo, "text"), "");
  char byte = 0;
  EXPECT_EQ(read(descriptor, &byte, 1), 0);
  close(descriptor);
}

TEST_F(AtomicFile, ReturnsWhyItCannotBeWritten) {
  EXPECT_EQ(WriteFileAtomically(Path("missing/file"), "text"),
            "No such file or directory");
  EXPECT_EQ(WriteCheckpoint(Path("missing/file"), "text"),
            "No such file or directory");
}

TEST_F(AtomicFile, DoesNotReplaceADirectory) {
  fs::create_directory(Path("file"));
  EXPECT_EQ(WriteFileAtomically(Path("file"), "text"), "Is a directory");
  EXPECT_EQ(Names(), Strings{"file"});
}

TEST_F(AtomicFile, KeepsThePreviousFileWhenTheTextDoesNotFit) {
  WriteFileAtomically(Path("file"), "before");
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{4, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string error = WriteFileAtomically(Path("file"), "too long");
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error, "File too large");
  EXPECT_EQ(Read("file"), "before");
  EXPECT_EQ(Names(), Strings{"file"});
}

}  // namespace
}  // namespace jemalloc_exporter
