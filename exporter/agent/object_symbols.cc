#include "exporter/agent/object_symbols.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace jemalloc_exporter {
namespace {

// Memory from an address to the end of its segment.
struct Memory {
  std::uintptr_t address = 0;
  std::size_t size = 0;

  // The first `count` values behind `skipped`; empty if they do not fit.
  template <typename T>
  std::span<const T> Read(std::uint64_t skipped, std::uint64_t count) const {
    constexpr std::uint64_t kMax = std::uint64_t{1} << 40;
    if (skipped > kMax || count > kMax) return {};
    if ((address + skipped) % alignof(T) != 0) return {};
    if (skipped + count * sizeof(T) > size) return {};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): of a dynamic section.
    return {reinterpret_cast<const T*>(address + skipped), count};
  }
};

// The addresses in the dynamic section, as it has them.
struct DynamicSection {
  std::uintptr_t strings = 0;
  std::uintptr_t symbols = 0;
  std::uintptr_t gnu_hash = 0;
  std::uintptr_t hash = 0;
  std::size_t strings_size = 0;
};

Memory MemoryAt(const dl_phdr_info& object, std::uintptr_t address) {
  for (const ElfW(Phdr) & segment :
       std::span(object.dlpi_phdr, object.dlpi_phnum)) {
    const std::uintptr_t offset = address - object.dlpi_addr - segment.p_vaddr;
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_R) != 0 &&
        offset < segment.p_filesz) {
      return {address, segment.p_filesz - offset};
    }
  }
  return {};
}

// glibc adds the load address to the pointers of the dynamic section, but not
// where that is read-only, as in the vdso. Other libraries never do.
Memory MemoryOf(const dl_phdr_info& object, std::uintptr_t pointer) {
  if (pointer == 0) return {};
  const Memory memory = MemoryAt(object, pointer);
  return memory.size > 0 ? memory
                         : MemoryAt(object, object.dlpi_addr + pointer);
}

DynamicSection ReadDynamicSection(const dl_phdr_info& object) {
  DynamicSection section;
  for (const ElfW(Phdr) & segment :
       std::span(object.dlpi_phdr, object.dlpi_phnum)) {
    if (segment.p_type != PT_DYNAMIC) continue;
    const Memory memory = MemoryAt(object, object.dlpi_addr + segment.p_vaddr);
    for (const ElfW(Dyn) & entry : memory.Read<ElfW(Dyn)>(
             0, std::min<std::size_t>(memory.size, segment.p_filesz) /
                    sizeof(ElfW(Dyn)))) {
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_STRTAB) section.strings = entry.d_un.d_ptr;
      if (entry.d_tag == DT_STRSZ) section.strings_size = entry.d_un.d_val;
      if (entry.d_tag == DT_SYMTAB) section.symbols = entry.d_un.d_ptr;
      if (entry.d_tag == DT_GNU_HASH) section.gnu_hash = entry.d_un.d_ptr;
      if (entry.d_tag == DT_HASH) section.hash = entry.d_un.d_ptr;
    }
  }
  return section;
}

// The table has a bucket for each hash value: the index of the first symbol of
// a chain, whose last value is odd. Source: glibc, elf/dl-lookup.c.
std::size_t CountByGnuHash(const Memory& table) {
  const auto header = table.Read<std::uint32_t>(0, 4);
  if (header.empty()) return 0;
  const std::uint64_t bucket_count = header[0];
  const std::uint64_t first_symbol = header[1];
  const std::uint64_t buckets_at =
      header.size_bytes() + header[2] * sizeof(ElfW(Addr));
  const auto buckets = table.Read<std::uint32_t>(buckets_at, bucket_count);
  if (buckets.empty()) return 0;
  const std::uint64_t chains_at = buckets_at + buckets.size_bytes();
  for (std::uint64_t symbol = *std::max_element(buckets.begin(), buckets.end());
       symbol >= first_symbol; ++symbol) {
    const auto value = table.Read<std::uint32_t>(
        chains_at + (symbol - first_symbol) * sizeof(std::uint32_t), 1);
    if (value.empty()) return 0;
    if ((value.front() & 1) != 0) return symbol + 1;
  }
  return 0;
}

std::size_t CountSymbols(const dl_phdr_info& object,
                         const DynamicSection& section) {
  const auto header = MemoryOf(object, section.hash).Read<std::uint32_t>(0, 2);
  return header.empty() ? CountByGnuHash(MemoryOf(object, section.gnu_hash))
                        : header[1];
}

}  // namespace

std::size_t FindMallctlInObject(const dl_phdr_info& object,
                                MallctlSymbol* out) {
  const DynamicSection section = ReadDynamicSection(object);
  const auto strings =
      MemoryOf(object, section.strings).Read<char>(0, section.strings_size);
  // Of nearly every object nothing more is looked at.
  constexpr std::string_view kName = "mallctl";
  if (strings.empty() || memmem(strings.data(), strings.size(), kName.data(),
                                kName.size()) == nullptr) {
    return 0;
  }
  MallctlSymbols symbols;
  symbols.AddStrings({strings.data(), strings.size()}, 0);
  if (!symbols.has_candidates()) return 0;
  symbols.AddSymbols(MemoryOf(object, section.symbols)
                         .Read<ElfW(Sym)>(0, CountSymbols(object, section)));
  return symbols.Accept({object.dlpi_phdr, object.dlpi_phnum},
                        /*has_internal_symbols=*/false, out);
}

}  // namespace jemalloc_exporter
