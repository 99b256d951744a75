#include "exporter/agent/program_symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/elf_image.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<MallctlSymbol> FindIn(std::string_view bytes,
                                  SymbolTable table = SymbolTable::kAll,
                                  std::span<const ElfW(Phdr)> loaded = {}) {
  const MemoryFile file(bytes);
  const auto buffer = std::make_unique<SymbolBuffer>();
  std::vector<MallctlSymbol> found(kMaxHeaps);
  found.resize(FindMallctlInFile(file.descriptor(), table, loaded, buffer.get(),
                                 found.data()));
  return found;
}

std::vector<MallctlSymbol> FindIn(const ElfImage& image) {
  return FindIn(image.ToBytes());
}

// `PREFIX=VALUE`, as the test expects them.
std::vector<std::string> Results(const std::vector<MallctlSymbol>& found) {
  std::vector<std::string> results;
  results.reserve(found.size());
  for (const MallctlSymbol& symbol : found) {
    results.push_back(std::string(symbol.prefix.view()) + "=" +
                      std::to_string(symbol.value));
  }
  return results;
}

class OneJemalloc : public testing::Test {
 protected:
  OneJemalloc() { image_.AddJemalloc("_rjem_", 0x1100); }

  ElfW(Sym) & mallctl() { return image_.symbols[1]; }

  ElfImage image_;
};

TEST_F(OneJemalloc, IsFoundWithItsPrefix) {
  EXPECT_THAT(Results(FindIn(image_)), ElementsAre("_rjem_=4352"));
}

TEST_F(OneJemalloc, IsFoundAmongMoreSymbolsThanFitTheBuffer) {
  ElfImage image;
  for (int i = 0; i < 50'000; ++i) {
    image.AddFunction("function_number_" + std::to_string(i), 0x1200);
  }
  image.AddJemalloc("_rjem_", 0x1100);
  EXPECT_THAT(Results(FindIn(image)), ElementsAre("_rjem_=4352"));
}

// The piece ends at each byte of the names once, which are as long as they can
// be.
TEST_F(OneJemalloc, IsFoundWhereverAPieceOfTheStringsEnds) {
  const std::string prefix(kMaxPrefixSize, 'p');
  for (std::size_t before = 65'536 - 150; before <= 65'536; ++before) {
    ElfImage image;
    image.AddString(std::string(before, 'x'));
    image.AddJemalloc(prefix, 0x1100);
    EXPECT_THAT(Results(FindIn(image)), ElementsAre(prefix + "=4352"))
        << before;
  }
}

TEST_F(OneJemalloc, IsFoundBehindANameThatIsLongerThanTheBuffer) {
  ElfImage image;
  image.AddString(std::string(200'000, 'x'));
  image.AddJemalloc("_rjem_", 0x1100);
  EXPECT_THAT(Results(FindIn(image)), ElementsAre("_rjem_=4352"));
}

TEST_F(OneJemalloc, IsFoundUnlessTheProgramHeadersDiffer) {
  EXPECT_THAT(FindIn(image_.ToBytes(), SymbolTable::kAll, {&image_.segment, 1}),
              SizeIs(1));
  ElfW(Phdr) other = image_.segment;
  ++other.p_memsz;
  EXPECT_THAT(FindIn(image_.ToBytes(), SymbolTable::kAll, {&other, 1}),
              IsEmpty());
  const ElfW(Phdr) two[] = {image_.segment, image_.segment};
  EXPECT_THAT(FindIn(image_.ToBytes(), SymbolTable::kAll, two), IsEmpty());
}

TEST_F(OneJemalloc, IsFoundInTheRequestedTable) {
  image_.section_type = SHT_DYNSYM;
  EXPECT_THAT(FindIn(image_), IsEmpty());
  EXPECT_THAT(FindIn(image_.ToBytes(), SymbolTable::kExported), SizeIs(1));
}

TEST_F(OneJemalloc, IsNotFoundInAFileThatIsTruncated) {
  const std::string bytes = image_.ToBytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(FindIn(std::string_view(bytes).substr(0, size)), IsEmpty())
        << size;
  }
}

TEST_F(OneJemalloc, IsNotFoundInAFileOfAnotherProcessor) {
  for (const int byte : {EI_MAG0, EI_CLASS, EI_DATA}) {
    ElfImage image = image_;
    image.header.e_ident[byte] ^= 3;
    EXPECT_THAT(FindIn(image), IsEmpty()) << byte;
  }
}

// The strings end in a hole of the file.
TEST_F(OneJemalloc, IsNotFoundInTablesOfMoreThan256MiB) {
  std::string bytes = image_.ToBytes();
  auto* const sections = reinterpret_cast<ElfW(Shdr)*>(
      bytes.data() + bytes.size() - 3 * sizeof(ElfW(Shdr)));
  const auto buffer = std::make_unique<SymbolBuffer>();
  const auto find = [&](std::size_t strings_size) {
    sections[2].sh_size = strings_size;
    const MemoryFile file(bytes);
    EXPECT_EQ(ftruncate(file.descriptor(), std::int64_t{300} << 20), 0);
    MallctlSymbol found[kMaxHeaps];
    return FindMallctlInFile(file.descriptor(), SymbolTable::kAll, {},
                             buffer.get(), found);
  };
  const std::size_t most = kMaxSymbolBytes - sections[1].sh_size;
  EXPECT_EQ(find(most + 1), 0);
  EXPECT_EQ(find(~std::size_t{0}), 0);
}

TEST_F(OneJemalloc, IsNotFoundInTablesOutsideTheFile) {
  std::string bytes = image_.ToBytes();
  auto* const sections = reinterpret_cast<ElfW(Shdr)*>(
      bytes.data() + bytes.size() - 3 * sizeof(ElfW(Shdr)));
  sections[1].sh_offset = ~std::size_t{0} - 100;
  EXPECT_THAT(FindIn(bytes), IsEmpty());
  sections[2].sh_offset = ~std::size_t{0} - 10;
  EXPECT_THAT(FindIn(bytes), IsEmpty());
}

TEST_F(OneJemalloc, IsRejectedIfUndefined) {
  mallctl().st_shndx = SHN_UNDEF;
  EXPECT_THAT(FindIn(image_), IsEmpty());
}

TEST_F(OneJemalloc, IsRejectedIfNoFunction) {
  mallctl().st_info = STT_OBJECT;
  EXPECT_THAT(FindIn(image_), IsEmpty());
}

TEST_F(OneJemalloc, IsRejectedBelow16Bytes) {
  mallctl().st_size = 16;
  EXPECT_THAT(FindIn(image_), SizeIs(1));
  mallctl().st_size = 15;
  EXPECT_THAT(FindIn(image_), IsEmpty());
}

TEST_F(OneJemalloc, IsRejectedOutsideExecutableSegments) {
  for (const std::uintptr_t value : {0x0FFF, 0x2000}) {
    mallctl().st_value = value;
    EXPECT_THAT(FindIn(image_), IsEmpty()) << value;
  }
  mallctl().st_value = 0x1FFF;
  EXPECT_THAT(FindIn(image_), SizeIs(1));
  image_.segment.p_flags = PF_R | PF_W;
  EXPECT_THAT(FindIn(image_), IsEmpty());
}

TEST_F(OneJemalloc, IsRejectedWithoutBothSiblings) {
  for (const std::size_t sibling : {2, 3}) {
    ElfImage image = image_;
    image.symbols[sibling].st_name = image.AddString("other");
    EXPECT_THAT(FindIn(image), IsEmpty()) << sibling;
  }
}

TEST_F(OneJemalloc, IsRejectedWithSiblingsOfAnotherPrefix) {
  ElfImage image;
  image.AddFunction("mallctl", 0x1000);
  image.AddFunction("je_mallctlnametomib", 0x1100);
  image.AddFunction("je_mallctlbymib", 0x1200);
  EXPECT_THAT(FindIn(image), IsEmpty());
}

TEST_F(OneJemalloc, IsFoundBesideCtlByNameInTheTableOfAllSymbols) {
  ElfImage image;
  image.AddFunction("_rjem_mallctl", 0x1100);
  image.AddFunction("_rjem_je_ctl_byname", 0x1200);
  EXPECT_THAT(Results(FindIn(image)), ElementsAre("_rjem_=4352"));
  image.section_type = SHT_DYNSYM;
  EXPECT_THAT(FindIn(image.ToBytes(), SymbolTable::kExported), IsEmpty());
}

TEST_F(OneJemalloc, IsFoundWithThePrefixOf32Bytes) {
  for (const auto& [size, count] : {std::pair(32, 1), std::pair(33, 0)}) {
    ElfImage image;
    image.AddJemalloc(std::string(size, 'p'), 0x1100);
    EXPECT_THAT(FindIn(image), SizeIs(count)) << size;
  }
}

TEST(Jemallocs, AreFoundWithAnyPrefix) {
  ElfImage image;
  image.AddJemalloc("", 0x1000);
  image.AddJemalloc("duckdb_je_", 0x1400);
  EXPECT_THAT(Results(FindIn(image)), ElementsAre("=4096", "duckdb_je_=5120"));
}

// Linkers merge the end of a string with a shorter one.
TEST(Jemallocs, AreFoundByNamesThatShareAString) {
  ElfImage image;
  for (const std::string name :
       {"mallctl", "mallctlnametomib", "mallctlbymib"}) {
    const std::uint32_t offset = image.AddString("je_" + name);
    image.AddSymbol(offset, 0x1000);
    image.AddSymbol(offset + 3, 0x1800);
  }
  EXPECT_THAT(Results(FindIn(image)), ElementsAre("je_=4096", "=6144"));
}

TEST(Jemallocs, AreNotFoundByAnEndOfTheirNames) {
  ElfImage image;
  image.AddSymbol(image.AddString("mallctl") + 1, 0x1000);
  image.AddFunction("je_ctl_byname", 0x1100);
  EXPECT_THAT(FindIn(image), IsEmpty());
}

TEST(Jemallocs, AreFoundUpToTheMaximum) {
  ElfImage image;
  for (std::size_t i = 0; i < kMaxHeaps + 2; ++i) {
    image.AddJemalloc("p" + std::to_string(i), 0x1000 + i * 256);
  }
  EXPECT_THAT(FindIn(image), SizeIs(kMaxHeaps));
}

TEST(FindMallctlInFile, FindsNothingInAnEmptyOrClosedFile) {
  EXPECT_THAT(FindIn(std::string_view()), IsEmpty());
  const auto buffer = std::make_unique<SymbolBuffer>();
  MallctlSymbol found[kMaxHeaps];
  EXPECT_EQ(FindMallctlInFile(-1, SymbolTable::kAll, {}, buffer.get(), found),
            0);
}

}  // namespace
}  // namespace jemalloc_exporter
