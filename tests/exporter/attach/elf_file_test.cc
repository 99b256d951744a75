#include "exporter/attach/elf_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>

namespace jemalloc_exporter {
namespace {

FileDescriptor Open(const char* path) {
  return FileDescriptor(open(path, O_RDONLY | O_CLOEXEC));
}

FileDescriptor MemoryFile(const std::string& bytes) {
  FileDescriptor file(memfd_create("elf", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), bytes.data(), bytes.size()),
            static_cast<ssize_t>(bytes.size()));
  return file;
}

std::string ReadAll(const char* path) {
  const FileDescriptor file = Open(path);
  std::string bytes(std::size_t{64} << 20, '\0');
  bytes.resize(static_cast<std::size_t>(
      std::max<ssize_t>(0, read(file.get(), bytes.data(), bytes.size()))));
  return bytes;
}

void Visit(const ElfFile& file) {
  for (const std::uint32_t table : {SHT_DYNSYM, SHT_SYMTAB}) {
    file.VisitSymbols(table, [&](std::string_view, const Elf64_Sym& symbol) {
      file.IsCode(symbol.st_value);
    });
  }
  file.FindInCode("\x0f\x05\xc3", 1);
}

extern "C" __attribute__((noinline)) int FunctionOfThisTest() { return 3; }

TEST(ElfFile, FindsFunctionsOfThisProgram) {
  const auto file = ElfFile::Read(Open("/proc/self/exe"));
  ASSERT_TRUE(file);
  EXPECT_EQ(FunctionOfThisTest(), 3);
  int found = 0;
  file->VisitSymbols(SHT_SYMTAB,
                     [&](std::string_view name, const Elf64_Sym& symbol) {
                       if (name != "FunctionOfThisTest") return;
                       ++found;
                       EXPECT_TRUE(file->IsCode(symbol.st_value));
                     });
  EXPECT_EQ(found, 1);
  EXPECT_FALSE(file->IsCode(0));
}

TEST(ElfFile, RejectsOtherFiles) {
  EXPECT_FALSE(ElfFile::Read(Open("/etc/passwd")));
  EXPECT_FALSE(ElfFile::Read(Open("/proc")));
  EXPECT_FALSE(ElfFile::Read(FileDescriptor()));
  EXPECT_FALSE(ElfFile::Read(MemoryFile("")));
  EXPECT_FALSE(
      ElfFile::Read(MemoryFile("\x7f"
                               "ELF\2\1\1")));
}

// Headers with any offset and size: no access beyond a table, no large
// allocation.
TEST(ElfFile, AcceptsMutatedAndTruncatedFiles) {
  const std::string original = ReadAll("/bin/true");
  ASSERT_GT(original.size(), 1000);
  const auto header = *reinterpret_cast<const Elf64_Ehdr*>(original.data());
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    std::string bytes = original;
    if (i % 4 == 0) bytes.resize(random() % bytes.size());
    for (int changes = 1 + static_cast<int>(random() % 8); changes > 0;
         --changes) {
      const std::size_t table =
          random() % 2 == 0 ? header.e_shoff : std::size_t{0};
      const std::size_t at = table + random() % 2048;
      if (at < bytes.size()) bytes[at] = static_cast<char>(random());
    }
    if (const auto file = ElfFile::Read(MemoryFile(bytes))) Visit(*file);
  }
}

}  // namespace
}  // namespace jemalloc_exporter
