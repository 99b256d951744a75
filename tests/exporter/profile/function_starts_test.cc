#include "exporter/profile/function_starts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "tests/support/elf_image.h"

namespace jemalloc_exporter {
namespace {

// Not in .dynsym, and without a symbol in a stripped file.
[[gnu::noinline]] int Twice(int number) { return 2 * number; }

// Where the dynamic linker has loaded this program.
std::uint64_t LoadAddress() {
  std::uint64_t address = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        *static_cast<std::uint64_t*>(to) = info->dlpi_addr;
        return 1;
      },
      &address);
  return address;
}

std::vector<std::uint64_t> ReadStarts(const std::string& bytes) {
  const MemoryFile file(bytes);
  auto elf = ElfFile::Read(FileDescriptor(dup(file.descriptor())));
  return elf ? ReadFunctionStarts(*elf) : std::vector<std::uint64_t>();
}

// An .eh_frame_hdr at the address 0x2000, with functions before and after it.
std::string WithTable(std::uint32_t count, std::uint8_t table_encoding = 0x3b) {
  ElfImage image;
  image.segment.p_type = PT_GNU_EH_FRAME;
  image.segment.p_vaddr = 0x2000;
  const std::string elf = image.ToBytes();
  image.segment.p_offset = elf.size();
  image.segment.p_filesz = 12 + 3 * 8;
  const std::int32_t entries[] = {0x100, 0, -0x200, 0, -0x100, 0};
  std::string table = {1, 0x1b, 0x03, static_cast<char>(table_encoding),
                       0, 0,    0,    0};
  table.append(reinterpret_cast<const char*>(&count), sizeof(count));
  table.append(reinterpret_cast<const char*>(entries), sizeof(entries));
  return image.ToBytes() + table;
}

TEST(FunctionStarts, HasThoseOfThisProgram) {
  auto elf = ElfFile::Read(
      FileDescriptor(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)));
  ASSERT_TRUE(elf);
  const auto starts = ReadFunctionStarts(*elf);
  EXPECT_TRUE(std::is_sorted(starts.begin(), starts.end()));
  int (*volatile function)(int) = Twice;
  const auto address = reinterpret_cast<std::uintptr_t>(function);
  EXPECT_TRUE(std::binary_search(starts.begin(), starts.end(),
                                 address - LoadAddress()));
}

TEST(FunctionStarts, AreRelativeToTheTable) {
  EXPECT_EQ(ReadStarts(WithTable(3)),
            (std::vector<std::uint64_t>{0x1e00, 0x1f00, 0x2100}));
  EXPECT_EQ(ReadStarts(WithTable(1)), (std::vector<std::uint64_t>{0x2100}));
}

TEST(FunctionStarts, AreEmptyForAnotherFormat) {
  EXPECT_TRUE(ReadStarts(WithTable(3, 0x1b)).empty());
  EXPECT_TRUE(ReadStarts(ElfImage().ToBytes()).empty());
}

TEST(FunctionStarts, EndWithTheSegmentAndTheFile) {
  EXPECT_EQ(ReadStarts(WithTable(0xffffffff)).size(), 3U);
  std::string truncated = WithTable(3);
  truncated.resize(truncated.size() - 1);
  EXPECT_TRUE(ReadStarts(truncated).empty());
}

}  // namespace
}  // namespace jemalloc_exporter
