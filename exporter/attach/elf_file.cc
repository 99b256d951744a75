#include "exporter/attach/elf_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace jemalloc_exporter {
namespace {

constexpr unsigned char kByteOrder =
    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

// Bytes of code that are searched at a time: they remain in the cache of a
// processor.
constexpr std::size_t kChunk = std::size_t{128} << 10;

// As `std::string_view::find`, for bytes that code mostly lacks. The compiler
// makes few instructions of the inner loop; memchr(3) stops at each `0F`, which
// takes four times as long.
std::size_t FindInCode(std::string_view code, std::string_view bytes,
                       std::size_t from) {
  constexpr std::size_t kBlock = 64;
  const std::size_t distance = bytes.size() - 1;
  for (; from + kBlock + distance <= code.size(); from += kBlock) {
    const char* const first = code.data() + from;
    const char* const last = first + distance;
    unsigned char found = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      found |= static_cast<unsigned char>(
          static_cast<unsigned>(first[i] == bytes.front()) &
          static_cast<unsigned>(last[i] == bytes.back()));
    }
    if (found == 0) continue;
    const auto block = code.substr(0, from + kBlock + distance);
    const auto at = block.find(bytes, from);
    if (at != std::string_view::npos) return at;
  }
  return code.find(bytes, from);
}

bool IsSupported(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_ident[EI_DATA] == kByteOrder &&
         header.e_phentsize == sizeof(Elf64_Phdr);
}

}  // namespace

bool ElfFile::ReadAt(std::uint64_t offset, void* to, std::size_t size) const {
  auto* at = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t bytes =
        pread(file_.get(), at, size, static_cast<off_t>(offset));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return false;
    at += bytes;
    offset += static_cast<std::uint64_t>(bytes);
    size -= static_cast<std::size_t>(bytes);
  }
  return true;
}

// The size is compared with the file's before memory is allocated.
template <typename T>
std::optional<std::vector<T>> ElfFile::ReadTable(std::uint64_t offset,
                                                 std::uint64_t bytes) const {
  struct stat status = {};
  if (fstat(file_.get(), &status) != 0) return std::nullopt;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (bytes > kMaxTableBytes || offset > size || bytes > size - offset) {
    return std::nullopt;
  }
  std::vector<T> table(bytes / sizeof(T));
  if (!ReadAt(offset, table.data(), table.size() * sizeof(T))) {
    return std::nullopt;
  }
  return table;
}

std::optional<ElfFile> ElfFile::Read(FileDescriptor file) {
  ElfFile elf;
  elf.file_ = std::move(file);
  Elf64_Ehdr header{};
  if (!elf.ReadAt(0, &header, sizeof(header)) || !IsSupported(header)) {
    return std::nullopt;
  }
  elf.machine_ = header.e_machine;
  auto segments = elf.ReadTable<Elf64_Phdr>(
      header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr));
  if (!segments) return std::nullopt;
  elf.segments_ = *std::move(segments);
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return elf;
  // A file without section headers is valid.
  auto sections = elf.ReadTable<Elf64_Shdr>(
      header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
  if (sections) elf.sections_ = *std::move(sections);
  return elf;
}

bool ElfFile::has_segment(std::uint32_t type) const {
  return std::any_of(
      segments_.begin(), segments_.end(),
      [&](const Elf64_Phdr& segment) { return segment.p_type == type; });
}

void ElfFile::VisitSymbols(std::uint32_t table,
                           const SymbolFunction& visit) const {
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type != table || section.sh_link >= sections_.size()) {
      continue;
    }
    const Elf64_Shdr& linked = sections_[section.sh_link];
    const auto symbols =
        ReadTable<Elf64_Sym>(section.sh_offset, section.sh_size);
    const auto strings = ReadTable<char>(linked.sh_offset, linked.sh_size);
    if (!symbols || !strings) continue;
    const std::string_view names(strings->data(), strings->size());
    for (const Elf64_Sym& symbol : *symbols) {
      if (symbol.st_name >= names.size()) continue;
      const auto end = names.find('\0', symbol.st_name);
      if (end == std::string_view::npos) continue;
      visit(names.substr(symbol.st_name, end - symbol.st_name), symbol);
    }
  }
}

bool ElfFile::IsCode(std::uint64_t address) const {
  return std::any_of(
      segments_.begin(), segments_.end(), [&](const Elf64_Phdr& segment) {
        return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
               address - segment.p_vaddr < segment.p_filesz;
      });
}

void ElfFile::VisitInCode(std::string_view bytes,
                          const CodeFunction& visit) const {
  constexpr std::size_t kBufferBytes = kContextBytes + kChunk + kContextBytes;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    for (std::uint64_t chunk = 0; chunk < segment.p_filesz; chunk += kChunk) {
      const std::size_t before = chunk == 0 ? 0 : kContextBytes;
      const std::uint64_t start = chunk - before;
      const std::size_t size =
          std::min<std::uint64_t>(kBufferBytes, segment.p_filesz - start);
      if (!ReadAt(segment.p_offset + start, buffer.get(), size)) break;
      const std::string_view code(buffer.get(), size);
      for (auto at = FindInCode(code, bytes, before); at < before + kChunk;
           at = FindInCode(code, bytes, at + 1)) {
        visit(segment.p_vaddr + start + at, code.substr(0, at),
              code.substr(at));
      }
    }
  }
}

}  // namespace jemalloc_exporter
