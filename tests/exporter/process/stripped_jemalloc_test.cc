#include "exporter/process/stripped_jemalloc.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/support/elf_image.h"

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kStripped =
    "is present, but its symbols are stripped: link the program without strip";

// The strings of an executable that has no symbols.
std::string Describe(const std::string& content) {
  const MemoryFile file(content);
  return DescribeStrippedJemalloc("/proc/self/fd/" +
                                  std::to_string(file.descriptor()));
}

std::string WithVersion(const std::string& version) {
  const std::string nul(1, '\0');
  return nul + "<jemalloc>: Error" + nul + version + nul;
}

const std::string kHash(40, 'a');

TEST(DescribeStrippedJemalloc, HasTheRelease) {
  EXPECT_EQ(Describe(WithVersion("5.3.0-0-g" + kHash)),
            "jemalloc 5.3.0 " + std::string(kStripped));
  EXPECT_EQ(Describe(WithVersion("5.2.1-0-g0")),
            "jemalloc 5.2.1 " + std::string(kStripped));
  EXPECT_EQ(Describe(WithVersion("5.3.0-196-g" + kHash)),
            "jemalloc 5.3.0 " + std::string(kStripped));
}

TEST(DescribeStrippedJemalloc, HasTheReleaseWhereverAPieceEnds) {
  for (const std::size_t before : {262'100, 262'130, 262'144, 524'280}) {
    EXPECT_EQ(
        Describe(std::string(before, 'x') + WithVersion("5.3.0-0-g" + kHash)),
        "jemalloc 5.3.0 " + std::string(kStripped))
        << before;
  }
}

TEST(DescribeStrippedJemalloc, OmitsOtherVersions) {
  for (const std::string version :
       {"5.3.0", "v5.3.0-0-g0", "5.3-0-g0", "5.3.0-g0", "5.3.0-0-g", "-g0",
        "5.3.0-0-g0z", "5.3.0-0-gabc"}) {
    EXPECT_EQ(Describe(WithVersion(version)),
              "jemalloc " + std::string(kStripped))
        << version;
  }
}

TEST(DescribeStrippedJemalloc, IsEmptyWithoutJemallocsMessages) {
  EXPECT_EQ(Describe(""), "");
  EXPECT_EQ(Describe(std::string(1, '\0') + "5.3.0-0-g" + kHash), "");
}

TEST(DescribeStrippedJemalloc, IsEmptyWhereTheSymbolsArePresent) {
  ElfImage image;
  image.AddJemalloc("_rjem_", 0x1100);
  const std::string strings = WithVersion("5.3.0-0-g" + kHash);
  EXPECT_EQ(Describe(image.ToBytes() + strings), "");
  image.section_type = SHT_DYNSYM;
  EXPECT_EQ(Describe(image.ToBytes() + strings), "");
  EXPECT_NE(Describe(ElfImage().ToBytes() + strings), "");
}

TEST(DescribeStrippedJemalloc, IsEmptyForWhatIsNoFile) {
  EXPECT_EQ(DescribeStrippedJemalloc("/nonexistent"), "");
  EXPECT_EQ(DescribeStrippedJemalloc("/"), "");
  EXPECT_EQ(DescribeStrippedJemalloc("/dev/zero"), "");
  const std::string path = testing::TempDir() + "/stripped_jemalloc_fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(DescribeStrippedJemalloc(path), "");
  unlink(path.c_str());
}

}  // namespace
}  // namespace jemalloc_exporter
