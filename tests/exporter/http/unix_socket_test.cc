#include "exporter/http/unix_socket.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

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

TEST_F(UnixSocketTest, TakesConnections) {
  const FileDescriptor listener = ListenOnUnixSocket(path_, &reason_);
  ASSERT_TRUE(listener) << reason_;
  EXPECT_TRUE(CanConnect());
}

TEST_F(UnixSocketTest, IsAnAddressToListenOn) {
  const FileDescriptor listener = Listen("unix:" + path_, &reason_);
  ASSERT_TRUE(listener) << reason_;
  EXPECT_EQ(ListeningAddress(listener), "unix:" + path_);
  EXPECT_EQ(ListeningPort(listener), 0);
  RemoveUnixSocket("unix:" + path_);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(UnixSocketTest, ReplacesOneThatWasLeftBehind) {
  ListenOnUnixSocket(path_, &reason_) = FileDescriptor();
  ASSERT_TRUE(fs::exists(path_));
  EXPECT_TRUE(ListenOnUnixSocket(path_, &reason_)) << reason_;
}

TEST_F(UnixSocketTest, LeavesOneAloneThatIsListenedOn) {
  const FileDescriptor listener = ListenOnUnixSocket(path_, &reason_);
  EXPECT_EQ(ErrorOf(path_), "Address already in use");
  EXPECT_TRUE(CanConnect());
}

TEST_F(UnixSocketTest, LeavesAFileAloneThatIsNoSocket) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(ErrorOf(path_), "Address already in use");
  EXPECT_EQ(fs::file_size(path_), 8);
}

TEST_F(UnixSocketTest, SaysWhatIsWrongWithThePath) {
  EXPECT_EQ(ErrorOf(""), "the path must have 1 to 107 bytes");
  EXPECT_EQ(ErrorOf(std::string(108, 'x')),
            "the path must have 1 to 107 bytes");
  EXPECT_EQ(ErrorOf(folder_ / "none" / "socket"), "No such file or directory");
}

}  // namespace
}  // namespace jemalloc_exporter
