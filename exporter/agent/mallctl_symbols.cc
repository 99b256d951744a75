#include "exporter/agent/mallctl_symbols.h"

#include <algorithm>
#include <cstring>

namespace jemalloc_exporter {
namespace {

// No jemalloc has a smaller one; a stub that returns an error can be smaller.
constexpr std::size_t kMinFunctionSize = 16;

bool IsDefinedFunction(const ElfW(Sym) & symbol) {
  return (symbol.st_info & 0xF) == STT_FUNC && symbol.st_shndx != SHN_UNDEF;
}

bool IsExecutable(std::span<const ElfW(Phdr)> segments, std::uintptr_t value) {
  return std::any_of(
      segments.begin(), segments.end(), [&](const ElfW(Phdr) & segment) {
        return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
               value - segment.p_vaddr < segment.p_memsz;
      });
}

}  // namespace

MallctlPrefix::MallctlPrefix(std::string_view prefix)
    : size_(std::min(prefix.size(), kMaxPrefixSize)) {
  std::copy_n(prefix.begin(), size_, bytes_);
}

void MallctlSymbols::AddStrings(std::string_view piece, std::uint64_t offset) {
  const char* const end = piece.data() + piece.size();
  for (const char* at = piece.data(); at < end;) {
    const auto left = static_cast<std::size_t>(end - at);
    const auto* const nul =
        static_cast<const char*>(std::memchr(at, '\0', left));
    if (nul == nullptr) return;
    const auto size = static_cast<std::size_t>(nul - at);
    const std::size_t start = size - std::min(size, kMaxNameSize);
    AddName({at + start, size - start},
            offset + static_cast<std::uint64_t>(at - piece.data()) + start);
    at = nul + 1;
  }
}

void MallctlSymbols::AddName(std::string_view name, std::uint64_t offset) {
  struct Suffix {
    std::string_view text;
    Kind kind;
  };
  constexpr Suffix kSuffixes[] = {{"mallctl", Kind::kMallctl},
                                  {"mallctlnametomib", Kind::kNameToMib},
                                  {"mallctlbymib", Kind::kByMib},
                                  {"ctl_byname", Kind::kByName}};
  for (const Suffix& suffix : kSuffixes) {
    if (!name.ends_with(suffix.text)) continue;
    if (name_count_ == kMaxNames) return;
    const std::size_t size = name.size() - suffix.text.size();
    const std::size_t kept = std::min(size, kMaxPrefixSize);
    Name& added = names_[name_count_++];
    added.kind = suffix.kind;
    added.begin = offset + size - kept;
    added.suffix = offset + size;
    std::copy_n(name.data() + size - kept, kept, added.text);
    if (suffix.kind == Kind::kMallctl) has_candidates_ = true;
    return;
  }
}

void MallctlSymbols::AddSymbols(std::span<const ElfW(Sym)> symbols) {
  for (const ElfW(Sym) & symbol : symbols) {
    if (IsDefinedFunction(symbol)) AddFunction(symbol);
  }
}

void MallctlSymbols::AddFunction(const ElfW(Sym) & symbol) {
  for (std::size_t i = 0; i < name_count_; ++i) {
    const Name& name = names_[i];
    if (symbol.st_name < name.begin || symbol.st_name > name.suffix) continue;
    if (function_count_ == kMaxNames) return;
    if (name.kind == Kind::kMallctl && symbol.st_size < kMinFunctionSize) {
      return;
    }
    functions_[function_count_++] = {
        .kind = name.kind,
        .prefix = MallctlPrefix({name.text + (symbol.st_name - name.begin),
                                 name.suffix - symbol.st_name}),
        .value = symbol.st_value};
    return;
  }
}

bool MallctlSymbols::HasSibling(const Function& function, Kind kind) const {
  return std::any_of(functions_, functions_ + function_count_,
                     [&](const Function& other) {
                       return other.kind == kind &&
                              other.prefix.view() == function.prefix.view();
                     });
}

bool MallctlSymbols::Has(Kind kind) const {
  return std::any_of(functions_, functions_ + function_count_,
                     [&](const Function& f) { return f.kind == kind; });
}

std::size_t MallctlSymbols::Accept(std::span<const ElfW(Phdr)> segments,
                                   bool has_internal_symbols,
                                   MallctlSymbol* out) const {
  const bool by_name = has_internal_symbols && Has(Kind::kByName);
  std::size_t count = 0;
  for (std::size_t i = 0; i < function_count_ && count < kMaxHeaps; ++i) {
    const Function& function = functions_[i];
    if (function.kind != Kind::kMallctl) continue;
    if (!IsExecutable(segments, function.value)) continue;
    if (by_name || (HasSibling(function, Kind::kNameToMib) &&
                    HasSibling(function, Kind::kByMib))) {
      out[count++] = {function.prefix, function.value};
    }
  }
  return count;
}

}  // namespace jemalloc_exporter
