#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_ELF_IMAGE_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_ELF_IMAGE_H_

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// An ELF file of this processor with one executable segment, from 0x1000 to
/// 0x2000, and a symbol table. Change its parts to make it invalid.
struct ElfImage {
  ElfImage() {
    header.e_ident[EI_MAG0] = ELFMAG0;
    header.e_ident[EI_MAG1] = ELFMAG1;
    header.e_ident[EI_MAG2] = ELFMAG2;
    header.e_ident[EI_MAG3] = ELFMAG3;
    header.e_ident[EI_CLASS] = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_phentsize = sizeof(ElfW(Phdr));
    header.e_shentsize = sizeof(ElfW(Shdr));
    segment.p_type = PT_LOAD;
    segment.p_flags = PF_R | PF_X;
    segment.p_vaddr = 0x1000;
    segment.p_memsz = 0x1000;
  }

  /// Appends to the string table; returns its offset.
  std::uint32_t AddString(std::string_view text) {
    const auto offset = static_cast<std::uint32_t>(strings.size());
    strings.append(text).push_back('\0');
    return offset;
  }

  ElfW(Sym) & AddSymbol(std::uint32_t name, std::uintptr_t value) {
    ElfW(Sym)& symbol = symbols.emplace_back();
    symbol.st_name = name;
    symbol.st_info = STT_FUNC;
    symbol.st_shndx = 1;
    symbol.st_value = value;
    symbol.st_size = 64;
    return symbol;
  }

  ElfW(Sym) & AddFunction(std::string_view name, std::uintptr_t value) {
    return AddSymbol(AddString(name), value);
  }

  /// The three functions that a jemalloc has for mallctl(3).
  void AddJemalloc(const std::string& prefix, std::uintptr_t value) {
    AddFunction(prefix + "mallctl", value);
    AddFunction(prefix + "mallctlnametomib", value + 64);
    AddFunction(prefix + "mallctlbymib", value + 128);
  }

  std::string ToBytes() const {
    std::string bytes(sizeof(header), '\0');
    ElfW(Ehdr) written = header;
    written.e_phoff = bytes.size();
    written.e_phnum = 1;
    Append(segment, bytes);
    ElfW(Shdr) sections[3] = {};
    sections[1] =
        Section(section_type, bytes.size(), symbols.size() * sizeof(ElfW(Sym)));
    sections[1].sh_link = 2;
    sections[1].sh_entsize = sizeof(ElfW(Sym));
    for (const ElfW(Sym) & symbol : symbols) Append(symbol, bytes);
    sections[2] = Section(SHT_STRTAB, bytes.size(), strings.size());
    bytes += strings;
    bytes.resize((bytes.size() + 7) / 8 * 8);  // Aligned, as linkers do.
    written.e_shoff = bytes.size();
    written.e_shnum = 3;
    Append(sections, bytes);
    return bytes.replace(0, sizeof(written),
                         reinterpret_cast<const char*>(&written),
                         sizeof(written));
  }

  ElfW(Ehdr) header = {};
  ElfW(Phdr) segment = {};
  unsigned section_type = SHT_SYMTAB;
  std::string strings{'\0'};
  std::vector<ElfW(Sym)> symbols{ElfW(Sym){}};

 private:
  template <typename T>
  static void Append(const T& value, std::string& bytes) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  static ElfW(Shdr)
      Section(unsigned type, std::size_t offset, std::size_t size) {
    ElfW(Shdr) section = {};
    section.sh_type = type;
    section.sh_offset = offset;
    section.sh_size = size;
    return section;
  }
};

/// A file in memory. Closed with this object.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes)
      : descriptor_(memfd_create("elf", MFD_CLOEXEC)) {
    Write(bytes);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  /// Replaces the content.
  bool Write(std::string_view bytes) const {
    return ftruncate(descriptor_, 0) == 0 &&
           pwrite(descriptor_, bytes.data(), bytes.size(), 0) ==
               static_cast<ssize_t>(bytes.size());
  }

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_ELF_IMAGE_H_
