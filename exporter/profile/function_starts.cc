#include "exporter/profile/function_starts.h"

#include <algorithm>
#include <cstddef>

namespace jemalloc_exporter {
namespace {

// The start of .eh_frame_hdr, with the encodings of DWARF's exception header.
struct Header {
  std::uint8_t version;
  std::uint8_t frame_encoding;
  std::uint8_t count_encoding;
  std::uint8_t table_encoding;
  std::int32_t frame;
  std::uint32_t count;
};
static_assert(sizeof(Header) == 12);

// A function and its description, relative to the header.
struct Entry {
  std::int32_t start;
  std::int32_t description;
};

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kRelativeToPc = 0x1b;      // DW_EH_PE_pcrel | sdata4
constexpr std::uint8_t kCount = 0x03;             // DW_EH_PE_udata4
constexpr std::uint8_t kRelativeToHeader = 0x3b;  // DW_EH_PE_datarel | sdata4

bool IsSupported(const Header& header) {
  return header.version == kVersion && header.frame_encoding == kRelativeToPc &&
         header.count_encoding == kCount &&
         header.table_encoding == kRelativeToHeader;
}

}  // namespace

std::vector<std::uint64_t> ReadFunctionStarts(const ElfFile& file) {
  const auto& segments = file.segments();
  const auto segment = std::find_if(
      segments.begin(), segments.end(),
      [](const Elf64_Phdr& other) { return other.p_type == PT_GNU_EH_FRAME; });
  Header header = {};
  if (segment == segments.end() || segment->p_filesz < sizeof(header) ||
      segment->p_filesz > ElfFile::kMaxTableBytes ||
      !file.ReadAt(segment->p_offset, &header, sizeof(header)) ||
      !IsSupported(header)) {
    return {};
  }
  const std::size_t count = std::min<std::size_t>(
      header.count, (segment->p_filesz - sizeof(header)) / sizeof(Entry));
  std::vector<std::uint64_t> starts;
  constexpr std::size_t kChunk = 4096;
  for (std::size_t i = 0; i < count; i += kChunk) {
    Entry entries[kChunk];
    const std::size_t part = std::min(kChunk, count - i);
    if (!file.ReadAt(segment->p_offset + sizeof(header) + i * sizeof(Entry),
                     entries, part * sizeof(Entry))) {
      return {};
    }
    for (std::size_t k = 0; k < part; ++k) {
      starts.push_back(segment->p_vaddr +
                       static_cast<std::uint64_t>(
                           static_cast<std::int64_t>(entries[k].start)));
    }
  }
  std::sort(starts.begin(), starts.end());
  return starts;
}

}  // namespace jemalloc_exporter
