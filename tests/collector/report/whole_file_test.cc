#include "collector/report/whole_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace jemalloc_exporter {
namespace {

class WholeFile : public testing::Test {
 protected:
  WholeFile() {
    std::string name = testing::TempDir() + "whole_file_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~WholeFile() override { std::filesystem::remove_all(folder_); }

  std::string Read(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  std::filesystem::path folder_;
};

using Strings = std::vector<std::string>;

TEST_F(WholeFile, HoldsTheText) {
  const std::string text(3 << 20, 'x');
  EXPECT_EQ(WriteWholeFile(folder_ / "file", text), "");
  EXPECT_EQ(Read("file"), text);
  EXPECT_EQ(Names(), Strings{"file"});
}

TEST_F(WholeFile, TakesThePlaceOfAnother) {
  EXPECT_EQ(WriteWholeFile(folder_ / "file", "before", Survives::kCrash), "");
  EXPECT_EQ(WriteWholeFile(folder_ / "file", "now", Survives::kCrash), "");
  EXPECT_EQ(Read("file"), "now");
}

TEST_F(WholeFile, IsForOthersToRead) {
  const mode_t mask = umask(022);
  WriteWholeFile(folder_ / "file", "text");
  umask(mask);
  EXPECT_EQ(std::filesystem::status(folder_ / "file").permissions(),
            std::filesystem::perms(0644));
}

TEST_F(WholeFile, IsReadWholeByWhoOpenedItBefore) {
  WriteWholeFile(folder_ / "file", "before");
  std::ifstream file(folder_ / "file");
  WriteWholeFile(folder_ / "file", "now");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "before");
}

TEST_F(WholeFile, SaysWhyItCouldNotBeWritten) {
  EXPECT_EQ(WriteWholeFile(folder_ / "missing" / "file", "text"),
            "No such file or directory");
}

TEST_F(WholeFile, LeavesNothingBehindWhenItCannotTakeItsPlace) {
  std::filesystem::create_directory(folder_ / "file");
  EXPECT_EQ(WriteWholeFile(folder_ / "file", "text"), "Is a directory");
  EXPECT_EQ(Names(), Strings{"file"});
}

TEST_F(WholeFile, LeavesWhatWasThereWhenItDoesNotFit) {
  WriteWholeFile(folder_ / "file", "before");
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{4, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string error = WriteWholeFile(folder_ / "file", "too long");
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error, "File too large");
  EXPECT_EQ(Read("file"), "before");
  EXPECT_EQ(Names(), Strings{"file"});
}

TEST_F(WholeFile, IsReadAsItWasWritten) {
  const std::string text(200'000, 'x');
  WriteWholeFile(folder_ / "file", text);
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
