#include "exporter/agent/program_symbols.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned char kByteOrder =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

// How many values fit into the buffer.
template <typename T>
constexpr std::size_t kPiece = SymbolBuffer::kSize / sizeof(T);

// True if `size` bytes were read.
bool ReadAll(int file, std::uint64_t offset, void* out, std::size_t size) {
  constexpr std::uint64_t kMaxOffset = std::numeric_limits<off_t>::max();
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    if (offset > kMaxOffset) return false;
    const ssize_t count =
        SystemCall(SYS_pread64, file, at, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<std::size_t>(count);
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

class ElfFile {
 public:
  ElfFile(int file, SymbolBuffer* buffer) : file_(file), buffer_(buffer) {}

  bool ReadHeader();
  bool IsLoaded(std::span<const ElfW(Phdr)> loaded);
  bool FindSections(SymbolTable table);
  bool ReadStrings(MallctlSymbols* symbols);
  bool ReadSymbols(MallctlSymbols* symbols);

  // In the buffer: until the next call. Empty if they cannot be read.
  std::span<const ElfW(Phdr)> ReadProgramHeaders();

 private:
  bool ReadSection(std::size_t index, ElfW(Shdr) * section) const;

  int file_;
  SymbolBuffer* buffer_;
  ElfW(Ehdr) header_ = {};
  ElfW(Shdr) symbols_ = {};
  ElfW(Shdr) strings_ = {};
};

bool ElfFile::ReadHeader() {
  return ReadAll(file_, 0, &header_, sizeof(header_)) &&
         std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0 &&
         header_.e_ident[EI_CLASS] == kClass &&
         header_.e_ident[EI_DATA] == kByteOrder &&
         header_.e_phentsize == sizeof(ElfW(Phdr)) &&
         header_.e_phnum <= kPiece<ElfW(Phdr)> &&
         header_.e_shentsize == sizeof(ElfW(Shdr));
}

std::span<const ElfW(Phdr)> ElfFile::ReadProgramHeaders() {
  const std::size_t count = header_.e_phnum;
  if (!ReadAll(file_, header_.e_phoff, buffer_->bytes,
               count * sizeof(ElfW(Phdr)))) {
    return {};
  }
  return {reinterpret_cast<const ElfW(Phdr)*>(buffer_->bytes), count};
}

bool ElfFile::IsLoaded(std::span<const ElfW(Phdr)> loaded) {
  const std::span<const ElfW(Phdr)> headers = ReadProgramHeaders();
  return loaded.size() == headers.size() &&
         std::memcmp(loaded.data(), headers.data(), headers.size_bytes()) == 0;
}

bool ElfFile::ReadSection(std::size_t index, ElfW(Shdr) * section) const {
  return index < header_.e_shnum &&
         header_.e_shoff <= std::numeric_limits<off_t>::max() &&
         ReadAll(file_, header_.e_shoff + index * sizeof(*section), section,
                 sizeof(*section));
}

// The section headers are read in pieces, too: there can be 65,279.
bool ElfFile::FindSections(SymbolTable table) {
  if (header_.e_shoff > std::numeric_limits<off_t>::max()) return false;
  for (std::size_t first = 0; first < header_.e_shnum;
       first += kPiece<ElfW(Shdr)>) {
    const std::size_t count =
        std::min(kPiece<ElfW(Shdr)>, header_.e_shnum - first);
    if (!ReadAll(file_, header_.e_shoff + first * sizeof(ElfW(Shdr)),
                 buffer_->bytes, count * sizeof(ElfW(Shdr)))) {
      return false;
    }
    const auto* const sections =
        reinterpret_cast<const ElfW(Shdr)*>(buffer_->bytes);
    const auto* const found =
        std::find_if(sections, sections + count, [&](const ElfW(Shdr) & s) {
          return s.sh_type == static_cast<unsigned>(table);
        });
    if (found == sections + count) continue;
    symbols_ = *found;
    return symbols_.sh_entsize == sizeof(ElfW(Sym)) &&
           ReadSection(symbols_.sh_link, &strings_) &&
           strings_.sh_type == SHT_STRTAB &&
           symbols_.sh_size <= kMaxSymbolBytes &&
           strings_.sh_size <= kMaxSymbolBytes - symbols_.sh_size;
  }
  return false;
}

bool ElfFile::ReadStrings(MallctlSymbols* symbols) {
  char* const start = buffer_->bytes;
  std::size_t kept = 0;  // Of a name that continues in the next piece.
  for (std::uint64_t offset = 0; offset < strings_.sh_size;) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(
        sizeof(buffer_->bytes) - kept, strings_.sh_size - offset));
    if (!ReadAll(file_, strings_.sh_offset + offset, start + kept, size)) {
      return false;
    }
    const std::string_view piece(start, kept + size);
    symbols->AddStrings(piece, offset - kept);
    const auto* const nul =
        static_cast<const char*>(memrchr(piece.data(), '\0', piece.size()));
    const std::size_t rest =
        nul == nullptr
            ? piece.size()
            : static_cast<std::size_t>(piece.data() + piece.size() - nul - 1);
    offset += size;
    kept = std::min(rest, MallctlSymbols::kMaxNameSize);
    std::memmove(start, piece.data() + piece.size() - kept, kept);
  }
  return true;
}

bool ElfFile::ReadSymbols(MallctlSymbols* symbols) {
  const std::uint64_t count = symbols_.sh_size / sizeof(ElfW(Sym));
  for (std::uint64_t first = 0; first < count; first += kPiece<ElfW(Sym)>) {
    const auto size = static_cast<std::size_t>(
        std::min<std::uint64_t>(kPiece<ElfW(Sym)>, count - first));
    if (!ReadAll(file_, symbols_.sh_offset + first * sizeof(ElfW(Sym)),
                 buffer_->bytes, size * sizeof(ElfW(Sym)))) {
      return false;
    }
    symbols->AddSymbols(
        {reinterpret_cast<const ElfW(Sym)*>(buffer_->bytes), size});
  }
  return true;
}

}  // namespace

std::size_t FindMallctlInFile(int file, SymbolTable table,
                              std::span<const ElfW(Phdr)> loaded,
                              SymbolBuffer* buffer, MallctlSymbol* out) {
  ElfFile elf(file, buffer);
  MallctlSymbols symbols;
  if (!elf.ReadHeader() || !(loaded.empty() || elf.IsLoaded(loaded)) ||
      !elf.FindSections(table) || !elf.ReadStrings(&symbols) ||
      !symbols.has_candidates() || !elf.ReadSymbols(&symbols)) {
    return 0;
  }
  return symbols.Accept(elf.ReadProgramHeaders(), table == SymbolTable::kAll,
                        out);
}

}  // namespace jemalloc_exporter
