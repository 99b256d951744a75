#include "exporter/http_config/config_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace jemalloc_exporter {
namespace {

class ConfigFileTest : public testing::Test {
 protected:
  ConfigFileTest() {
    std::string name = std::filesystem::temp_directory_path() / "file.XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~ConfigFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }

  // What follows "cannot read PATH: ".
  std::string ErrorOf(const std::string& path) {
    try {
      files_.Read(path);
    } catch (const std::runtime_error& error) {
      const std::string line = error.what();
      const std::string begin = "cannot read " + path + ": ";
      EXPECT_EQ(line.substr(0, begin.size()), begin);
      return line.substr(begin.size());
    }
    return "none";
  }

  std::filesystem::path folder_;
  ConfigFileReader files_;
};

// A pipe by the name that a shell gives it in `<(…)`.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    close(ends_[0]);
    CloseWriter();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::string path() const { return "/dev/fd/" + std::to_string(ends_[0]); }
  void Write(const std::string& text) const {
    EXPECT_EQ(write(ends_[1], text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{};
};

TEST_F(ConfigFileTest, ReadsARegularFile) {
  std::ofstream(Path("a")) << "text\n";
  EXPECT_EQ(files_.Read(Path("a")), "text\n");
  std::filesystem::create_symlink("a", Path("link"));
  EXPECT_EQ(files_.Read(Path("link")), "text\n");
  std::ofstream(Path("a")) << "new\n";
  EXPECT_EQ(files_.Read(Path("a")), "new\n");
}

TEST_F(ConfigFileTest, ReportsTheReasonOfTheSystem) {
  EXPECT_EQ(ErrorOf(Path("none")), "No such file or directory");
  EXPECT_EQ(ErrorOf(folder_), "Is a directory");
  std::filesystem::create_symlink("loop", Path("loop"));
  EXPECT_EQ(ErrorOf(Path("loop")), "Too many levels of symbolic links");
}

TEST_F(ConfigFileTest, LimitsTheSize) {
  std::ofstream(Path("limit")) << std::string(ConfigFileReader::kMaxSize, 'a');
  EXPECT_EQ(files_.Read(Path("limit")).size(), ConfigFileReader::kMaxSize);
  std::ofstream(Path("limit"), std::ios::app) << 'a';
  EXPECT_EQ(ErrorOf(Path("limit")), "File too large");
}

// To open a FIFO waits for its writer, and makes one continue that waits.
TEST_F(ConfigFileTest, OpensNoFifo) {
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(ErrorOf(Path("fifo")), "not a regular file");
  EXPECT_EQ(open(Path("fifo").c_str(), O_WRONLY | O_NONBLOCK), -1);
  EXPECT_EQ(errno, ENXIO);
}

TEST_F(ConfigFileTest, OpensNoDeviceOrSocket) {
  EXPECT_EQ(ErrorOf("/dev/zero"), "not a regular file");
  EXPECT_EQ(ErrorOf("/dev/null"), "not a regular file");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  Path("socket").copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(socket_fd, reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address)),
            0);
  EXPECT_EQ(ErrorOf(Path("socket")), "not a regular file");
  close(socket_fd);
}

TEST_F(ConfigFileTest, ReadsAPipeOnce) {
  Pipe pipe;
  pipe.Write("te");
  pipe.Write("xt");
  pipe.CloseWriter();
  EXPECT_EQ(files_.Read(pipe.path()), "text");
  EXPECT_EQ(files_.Read(pipe.path()), "text");
}

// The command in `<(command)` failed.
TEST_F(ConfigFileTest, RejectsAnEmptyPipe) {
  Pipe pipe;
  pipe.CloseWriter();
  EXPECT_EQ(ErrorOf(pipe.path()), "the pipe is empty");
}

TEST_F(ConfigFileTest, WaitsForThePipesEndForSeconds) {
  Pipe pipe;
  pipe.Write("te");
  EXPECT_EQ(ErrorOf(pipe.path()), "no end of file within 5 s");
}

}  // namespace
}  // namespace jemalloc_exporter
