#include "exporter/agent/object_symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/elf_image.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// An object as the dynamic linker loads it: its dynamic section, symbols,
// strings and hash table in one segment. Change its parts before `Find`.
struct LoadedObject {
  static constexpr std::size_t kDynamicEntries = 8;

  explicit LoadedObject(const ElfImage& image)
      : symbols(image.symbols), strings(image.strings) {
    // One bucket and a chain of all symbols but the first, which is undefined.
    gnu_hash = {1, 1, 1, 0, 0, 0, 1};
    for (std::size_t i = 1; i < symbols.size(); ++i) gnu_hash.push_back(2);
    gnu_hash.back() = 3;
  }

  std::vector<std::string> Find() {
    const std::size_t dynamic_size = kDynamicEntries * sizeof(ElfW(Dyn));
    const std::size_t symbols_at = dynamic_size;
    const std::size_t hash_at = symbols_at + symbols.size() * sizeof(ElfW(Sym));
    const std::size_t strings_at =
        hash_at + (hash.size() + gnu_hash.size()) * sizeof(std::uint32_t);
    std::vector<char> memory(strings_at + strings.size());
    const auto base = reinterpret_cast<std::uintptr_t>(memory.data());
    const std::uintptr_t bias = relocated ? base : 0;
    std::vector<ElfW(Dyn)> dynamic;
    const auto add = [&](ElfW(Sxword) tag, std::uintptr_t value) {
      dynamic.push_back({tag, {value}});
    };
    add(DT_STRTAB, bias + strings_at + strings_shift);
    add(DT_STRSZ, strings.size());
    add(DT_SYMTAB, bias + symbols_at + symbols_shift);
    if (!hash.empty()) add(DT_HASH, bias + hash_at);
    if (!gnu_hash.empty()) {
      add(DT_GNU_HASH, bias + hash_at + hash.size() * sizeof(std::uint32_t));
    }
    add(DT_NULL, 0);
    std::memcpy(memory.data(), dynamic.data(),
                dynamic.size() * sizeof(ElfW(Dyn)));
    std::memcpy(memory.data() + symbols_at, symbols.data(),
                symbols.size() * sizeof(ElfW(Sym)));
    auto* const hashes =
        reinterpret_cast<std::uint32_t*>(memory.data() + hash_at);
    std::copy(hash.begin(), hash.end(), hashes);
    std::copy(gnu_hash.begin(), gnu_hash.end(), hashes + hash.size());
    std::memcpy(memory.data() + strings_at, strings.data(), strings.size());

    ElfW(Phdr) segments[3] = {};
    segments[0].p_type = PT_LOAD;
    segments[0].p_flags = PF_R;
    segments[0].p_filesz = segments[0].p_memsz = memory.size();
    segments[1].p_type = PT_DYNAMIC;
    segments[1].p_filesz = dynamic_size;
    segments[2].p_type = PT_LOAD;
    segments[2].p_flags = PF_X;
    segments[2].p_vaddr = 0x100'0000;
    segments[2].p_memsz = 0x1000;
    dl_phdr_info object = {};
    object.dlpi_addr = base;
    object.dlpi_phdr = segments;
    object.dlpi_phnum = 3;
    MallctlSymbol found[kMaxHeaps];
    const std::size_t count = FindMallctlInObject(object, found);
    std::vector<std::string> prefixes;
    for (std::size_t i = 0; i < count; ++i) {
      prefixes.emplace_back(found[i].prefix.view());
    }
    return prefixes;
  }

  std::vector<ElfW(Sym)> symbols;
  std::string strings;
  std::vector<std::uint32_t> hash;
  std::vector<std::uint32_t> gnu_hash;
  bool relocated = true;
  std::uintptr_t strings_shift = 0;
  std::uintptr_t symbols_shift = 0;
};

LoadedObject Object() {
  ElfImage image;
  image.AddFunction("malloc", 0x100'0000);
  image.AddJemalloc("je_", 0x100'0100);
  return LoadedObject(image);
}

TEST(FindMallctlInObject, FindsAnExportedMallctl) {
  EXPECT_THAT(Object().Find(), ElementsAre("je_"));
}

TEST(FindMallctlInObject, AcceptsPointersThatAreNotRelocated) {
  LoadedObject object = Object();
  object.relocated = false;
  EXPECT_THAT(object.Find(), ElementsAre("je_"));
}

TEST(FindMallctlInObject, CountsSymbolsByTheOlderHashTable) {
  LoadedObject object = Object();
  object.gnu_hash.clear();
  object.hash = {1, static_cast<std::uint32_t>(object.symbols.size()), 0, 0};
  EXPECT_THAT(object.Find(), ElementsAre("je_"));
}

TEST(FindMallctlInObject, FindsNothingWithoutHashTable) {
  LoadedObject object = Object();
  object.gnu_hash.clear();
  EXPECT_THAT(object.Find(), IsEmpty());
}

TEST(FindMallctlInObject, FindsNothingInAChainWithoutEnd) {
  LoadedObject object = Object();
  object.gnu_hash.back() = 2;
  object.strings += std::string(64, '\2');  // Behind the chain: even values.
  EXPECT_THAT(object.Find(), testing::SizeIs(testing::Le(1)));
}

TEST(FindMallctlInObject, FindsNothingInTablesOutsideTheSegment) {
  for (const std::uint32_t size : {1'000U, ~0U}) {
    LoadedObject object = Object();
    object.gnu_hash.clear();
    object.hash = {1, size, 0, 0};
    EXPECT_THAT(object.Find(), IsEmpty()) << size;
    object = Object();
    object.gnu_hash[0] = size;  // Buckets.
    EXPECT_THAT(object.Find(), IsEmpty()) << size;
    object = Object();
    object.gnu_hash[2] = size;  // Words of the Bloom filter.
    EXPECT_THAT(object.Find(), IsEmpty()) << size;
    object = Object();
    object.gnu_hash[6] = size;  // The first symbol of the chain.
    EXPECT_THAT(object.Find(), IsEmpty()) << size;
  }
}

TEST(FindMallctlInObject, FindsNothingBehindWrongPointers) {
  for (const std::uintptr_t shift :
       {std::uintptr_t{1}, std::uintptr_t{4096}, ~std::uintptr_t{0} >> 1}) {
    LoadedObject object = Object();
    object.strings_shift = shift;
    EXPECT_THAT(object.Find(), IsEmpty()) << shift;
    object = Object();
    object.symbols_shift = shift;
    EXPECT_THAT(object.Find(), IsEmpty()) << shift;
  }
}

TEST(FindMallctlInObject, IgnoresInternalSymbols) {
  ElfImage image;
  image.AddFunction("je_mallctl", 0x100'0100);
  image.AddFunction("je_ctl_byname", 0x100'0200);
  EXPECT_THAT(LoadedObject(image).Find(), IsEmpty());
}

}  // namespace
}  // namespace jemalloc_exporter
