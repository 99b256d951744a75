#include "exporter/cli/input_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace jemalloc_exporter {
namespace {

class InputFile : public testing::Test {
 protected:
  InputFile() {
    std::string name = testing::TempDir() + "input_file_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~InputFile() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(InputFile, IsReadWhole) {
  const std::string text(200'000, 'x');
  std::ofstream(folder_ / "file") << text;
  std::string error;
  EXPECT_EQ(ReadInputFile(folder_ / "file", text.size(), &error), text);
  EXPECT_EQ(error, "");
}

TEST_F(InputFile, CanBeAPipe) {
  const std::filesystem::path fifo = folder_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(fifo) << "text"; });
  std::string error;
  EXPECT_EQ(ReadInputFile(fifo, 1000, &error), "text");
  writer.join();
}

TEST_F(InputFile, ReturnsWhyItCannotBeRead) {
  const auto error_of = [](const std::string& path) {
    std::string error;
    EXPECT_EQ(ReadInputFile(path, 3, &error), std::nullopt);
    return error;
  };
  EXPECT_EQ(error_of(folder_ / "missing"), "No such file or directory");
  EXPECT_EQ(error_of(folder_), "Is a directory");
  EXPECT_EQ(error_of("/dev/zero"), "not a regular file or a pipe");
  std::ofstream(folder_ / "large") << "text";
  EXPECT_EQ(error_of(folder_ / "large"), "File too large");
}

}  // namespace
}  // namespace jemalloc_exporter
