#include "exporter/profile/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {
namespace {

namespace fs = std::filesystem;

class MappedFile : public testing::Test {
 protected:
  MappedFile() {
    char path[] = "/tmp/mapped_fileXXXXXX";
    folder_ = mkdtemp(path);
  }
  ~MappedFile() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << content;
    return path;
  }

  std::string folder_;
};

// The mapping of a file, as the kernel has it in /proc/PID/maps.
Mapping MappingOf(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  char device[16];
  snprintf(device, sizeof(device), "%02x:%02x", major(status.st_dev),
           minor(status.st_dev));
  Mapping mapping;
  mapping.path = path;
  mapping.device = device;
  mapping.inode = status.st_ino;
  return mapping;
}

std::string ReadAll(const FileDescriptor& file) {
  char bytes[64];
  const ssize_t size = pread(file.get(), bytes, sizeof(bytes), 0);
  return {bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST_F(MappedFile, IsOpened) {
  const FileDescriptor file =
      OpenMappedFile(getpid(), MappingOf(Write("file", "content")));
  ASSERT_TRUE(file);
  EXPECT_EQ(ReadAll(file), "content");
  EXPECT_NE(fcntl(file.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(MappedFile, IsNotOneThatReplacedIt) {
  const std::string path = Write("file", "old");
  const Mapping mapping = MappingOf(path);
  fs::rename(Write("new", "new"), path);
  EXPECT_FALSE(OpenMappedFile(getpid(), mapping));
}

// overlayfs shows another inode in the maps than the file has.
TEST_F(MappedFile, HasAnotherInodeIfItIsOlderThanTheProcess) {
  Mapping mapping = MappingOf(fs::read_symlink("/proc/self/exe"));
  ++mapping.inode;
  const FakeAgent child([](const FakeAgent&) {});
  if (OpenMappedFile(child.pid(), mapping)) return;
  // This program was linked within a second before it started.
  mapping = MappingOf("/bin/sh");
  ++mapping.inode;
  EXPECT_TRUE(OpenMappedFile(child.pid(), mapping));
}

TEST_F(MappedFile, IsARegularFileThatExists) {
  EXPECT_FALSE(OpenMappedFile(getpid(), MappingOf("/dev/null")));
  EXPECT_FALSE(OpenMappedFile(getpid(), MappingOf(folder_)));
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(OpenMappedFile(getpid(), MappingOf(fifo)));
  Mapping mapping = MappingOf(Write("file", ""));
  mapping.path += " (deleted)";
  Write("file (deleted)", "another");
  EXPECT_FALSE(OpenMappedFile(getpid(), mapping));
  for (const char* const path : {"", "[vdso]", "relative", "/no/such"}) {
    mapping.path = path;
    EXPECT_FALSE(OpenMappedFile(getpid(), mapping)) << path;
  }
}

TEST_F(MappedFile, IsNotLargerThanItsLimit) {
  const std::string path = Write("file", "x");
  ASSERT_EQ(truncate(path.c_str(), (off_t{4} << 30) + 1), 0);
  EXPECT_FALSE(OpenMappedFile(getpid(), MappingOf(path)));
}

TEST_F(MappedFile, IsNotReachedByMagicLinks) {
  const std::string path = Write("file", "content");
  const FileDescriptor open_file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Mapping mapping = MappingOf(path);
  mapping.path = "/proc/self/fd/" + std::to_string(open_file.get());
  EXPECT_FALSE(OpenMappedFile(getpid(), mapping));
}

TEST_F(MappedFile, IsInTheRootOfItsProcess) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string outside = Write("outside", "outside");
  const std::string root = folder_ + "/root";
  fs::create_directories(root + folder_);
  Write("root/inside", "inside");
  fs::create_symlink("../../../../../.." + outside, root + "/link");
  const FakeAgent child([&](const FakeAgent&) {
    if (chroot(root.c_str()) != 0) _exit(1);
  });
  ASSERT_GT(child.pid(), 0);
  Mapping mapping = MappingOf(root + "/inside");
  mapping.path = "/inside";
  EXPECT_EQ(ReadAll(OpenMappedFile(child.pid(), mapping)), "inside");
  // The link leads to the same path inside, where there is no file.
  mapping = MappingOf(outside);
  mapping.path = "/link";
  EXPECT_FALSE(OpenMappedFile(child.pid(), mapping));
  // It was mapped before chroot(2).
  mapping.path = outside;
  EXPECT_EQ(ReadAll(OpenMappedFile(child.pid(), mapping)), "outside");
}

}  // namespace
}  // namespace jemalloc_exporter
