#include "collector/report/whole_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace jemalloc_exporter {
namespace {

class WholeFile : public testing::Test {
 protected:
  WholeFile() {
    std::string name = testing::TempDir() + "whole_file_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~WholeFile() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(WholeFile, IsReadAsItWasWritten) {
  const std::string text(200'000, 'x');
  std::ofstream(folder_ / "file") << text;
  std::string error;
  EXPECT_EQ(ReadWholeFile(folder_ / "file", text.size(), &error), text);
  EXPECT_EQ(error, "");
}

TEST_F(WholeFile, SaysWhyItCouldNotBeRead) {
  const auto error_of = [](const std::string& path) {
    std::string error;
    EXPECT_EQ(ReadWholeFile(path, 1000, &error), std::nullopt);
    return error;
  };
  EXPECT_EQ(error_of(folder_ / "missing"), "No such file or directory");
  EXPECT_EQ(error_of(folder_), "Is a directory");
  EXPECT_EQ(error_of("/dev/zero"), "File too large");
}

}  // namespace
}  // namespace jemalloc_exporter
