#include "exporter/http/unix_socket.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "exporter/http/listen.h"

namespace jemalloc_exporter {
namespace {

namespace fs = std::filesystem;

class UnixSocketTest : public testing::Test {
 protected:
  UnixSocketTest() {
    std::string name = fs::temp_directory_path() / "socket.XXXXXX";
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "socket";
  }
  ~UnixSocketTest() override { fs::remove_all(folder_); }

  bool CanConnect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    const FileDescriptor client(socket(AF_UNIX, SOCK_STREAM, 0));
    return connect(client.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)) == 0;
  }
  static std::string ErrorOf(const std::string& path) {
    std::string reason;
    EXPECT_FALSE(ListenOnUnixSocket(path, &reason));
    return reason;
  }

  fs::path folder_;
  std::string path_;
  std::string reason_;
};

TEST_F(UnixSocketTest, AcceptsConnections) {
  const FileDescriptor listener = ListenOnUnixSocket(path_, &reason_);
  ASSERT_TRUE(listener) << reason_;
  EXPECT_TRUE(CanConnect());
}

TEST_F(UnixSocketTest, IsAnAddressToListenOn) {
  const FileDescriptor listener = Listen("unix:" + path_, &reason_);
  ASSERT_TRUE(listener) << reason_;
  EXPECT_EQ(ListeningAddress(listener), "unix:" + path_);
  EXPECT_EQ(ListeningPort(listener), 0);
}

TEST_F(UnixSocketTest, ReplacesALeftOverSocket) {
  ListenOnUnixSocket(path_, &reason_) = FileDescriptor();
  ASSERT_TRUE(fs::exists(path_));
  EXPECT_TRUE(ListenOnUnixSocket(path_, &reason_)) << reason_;
}

TEST_F(UnixSocketTest, KeepsASocketInUse) {
  const FileDescriptor listener = ListenOnUnixSocket(path_, &reason_);
  EXPECT_EQ(ErrorOf(path_), "Address already in use");
  EXPECT_TRUE(CanConnect());
}

TEST_F(UnixSocketTest, KeepsAFileThatIsNotASocket) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(ErrorOf(path_), "Address already in use");
  EXPECT_EQ(fs::file_size(path_), 8);
}

TEST_F(UnixSocketTest, RemovesItsFile) {
  const FileDescriptor listener = ListenOnUnixSocket(path_, &reason_);
  const auto file = UnixSocketFile::Of(listener);
  ASSERT_TRUE(file);
  file->Remove();
  EXPECT_FALSE(fs::exists(path_));
  file->Remove();
}

TEST_F(UnixSocketTest, KeepsAFileThatReplacedIts) {
  const FileDescriptor first = ListenOnUnixSocket(path_, &reason_);
  const auto file = UnixSocketFile::Of(first);
  // The inode of a removed file may be used again; that of a renamed one is
  // not.
  fs::rename(path_, folder_ / "moved");
  const FileDescriptor second = ListenOnUnixSocket(path_, &reason_);
  file->Remove();
  EXPECT_TRUE(CanConnect());
  EXPECT_FALSE(UnixSocketFile::Of(FileDescriptor()));
}

TEST_F(UnixSocketTest, SetsModeAndGroup) {
  const std::string own_group = getgrgid(getgid())->gr_name;
  for (const std::string& options :
       {",mode=0640,group=" + own_group, ",group=" + own_group + ",mode=640"}) {
    const FileDescriptor listener =
        ListenOnUnixSocket(path_ + options, &reason_);
    ASSERT_TRUE(listener) << reason_;
    struct stat status {};
    ASSERT_EQ(lstat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0640U);
    EXPECT_EQ(status.st_gid, getgid());
    EXPECT_EQ(ListeningAddress(listener), "unix:" + path_);
  }
}

TEST_F(UnixSocketTest, RejectsInvalidOptions) {
  for (const std::string mode : {"", "9", "rw", "01000", "-1"}) {
    EXPECT_EQ(ErrorOf(path_ + ",mode=" + mode),
              "the mode must be an octal number up to 0777");
  }
  EXPECT_EQ(ErrorOf(path_ + ",group=no such group"),
            "no group 'no such group'");
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(UnixSocketTest, RejectsAbstractAddresses) {
  EXPECT_EQ(ErrorOf("@name"),
            "abstract addresses have no access control; use a path");
  EXPECT_FALSE(fs::exists("@name"));
}

TEST_F(UnixSocketTest, ReportsInvalidPaths) {
  EXPECT_EQ(ErrorOf(""), "the path must have 1 to 107 bytes");
  EXPECT_EQ(ErrorOf(std::string(108, 'x')),
            "the path must have 1 to 107 bytes");
  EXPECT_EQ(ErrorOf(folder_ / "none" / "socket"), "No such file or directory");
}

}  // namespace
}  // namespace jemalloc_exporter
