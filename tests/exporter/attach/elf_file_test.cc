#include "exporter/attach/elf_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

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
  file.VisitInCode("\x0f\x05", [](std::uint64_t, std::string_view before,
                                  std::string_view from) {
    EXPECT_EQ(from.substr(0, 2), "\x0f\x05");
    EXPECT_LE(before.size(), std::size_t{2} << 20);
  });
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

// A file with one executable segment.
std::string FileWithCode(const std::string& code) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_flags = PF_R | PF_X;
  segment.p_offset = sizeof(header) + sizeof(segment);
  segment.p_vaddr = 0x400000;
  segment.p_filesz = code.size();
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  file.append(reinterpret_cast<const char*>(&segment), sizeof(segment));
  return file + code;
}

TEST(ElfFile, FindsBytesOfCodeWithTheirContext) {
  // The file is read in pieces of which a multiple is 1 MiB.
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  std::string code(3 * kMiB + 5, '-');
  const std::vector<std::size_t> offsets = {
      0,        10,           kMiB - 2,     kMiB - 1,       kMiB,
      kMiB + 1, 2 * kMiB - 9, 2 * kMiB + 3, code.size() - 2};
  for (const std::size_t offset : offsets) code[offset] = '*';
  code.back() = '+';
  const auto file = ElfFile::Read(MemoryFile(FileWithCode(code)));
  ASSERT_TRUE(file);
  std::vector<std::size_t> found;
  file->VisitInCode("*", [&](std::uint64_t address, std::string_view before,
                             std::string_view from) {
    const std::size_t at = address - 0x400000;
    found.push_back(at);
    constexpr std::size_t kContext = ElfFile::kContextBytes;
    const std::size_t left = std::min(at, kContext);
    ASSERT_GE(before.size(), left);
    EXPECT_EQ(before.substr(before.size() - left),
              code.substr(at - left, left));
    EXPECT_EQ(from.substr(0, kContext), code.substr(at, kContext));
  });
  EXPECT_EQ(found, offsets);
}

// Between them are single bytes of the pair, and both with another between.
TEST(ElfFile, FindsPairsAtEachDistance) {
  std::string code;
  std::vector<std::size_t> offsets;
  for (std::size_t distance = 0; distance < 150; ++distance) {
    code += "(*)" + std::string(distance, distance % 2 == 0 ? '(' : ')');
    code += '-';
    offsets.push_back(code.size());
    code += "()";
  }
  const auto file = ElfFile::Read(MemoryFile(FileWithCode(code)));
  ASSERT_TRUE(file);
  std::vector<std::size_t> found;
  file->VisitInCode("()", [&](std::uint64_t address, std::string_view,
                              std::string_view from) {
    found.push_back(address - 0x400000);
    EXPECT_EQ(from.substr(0, 2), "()");
  });
  EXPECT_EQ(found, offsets);
}

TEST(ElfFile, FindsNoBytesThatTheCodeLacks) {
  const auto file = ElfFile::Read(MemoryFile(FileWithCode("-----*")));
  ASSERT_TRUE(file);
  const auto fail = [](std::uint64_t address, std::string_view,
                       std::string_view) { FAIL() << address; };
  file->VisitInCode("+", fail);
  file->VisitInCode("**", fail);
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
