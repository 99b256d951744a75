#include "exporter/profile/debug_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace jemalloc_exporter {
namespace {

// Files are reported with their descriptors. By build id alone: the file's name
// of its debug information could be of any file.
constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = nullptr,
};

// Scopes from the inside out. The second array is of the functions that the
// innermost scope is inlined in, not of those that it was written in.
struct Scopes {
  explicit Scopes(Dwarf_Die* unit, std::uint64_t address) {
    Dwarf_Die* innermost = nullptr;
    if (dwarf_getscopes(unit, address, &innermost) <= 0) return;
    const std::unique_ptr<Dwarf_Die, decltype(&std::free)> owner(innermost,
                                                                 &std::free);
    const int count = dwarf_getscopes_die(innermost, &dies);
    size = count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  Scopes(const Scopes&) = delete;
  Scopes& operator=(const Scopes&) = delete;
  ~Scopes() { std::free(dies); }

  Dwarf_Die* dies = nullptr;
  std::size_t size = 0;
};

std::string NonNull(const char* text) { return text != nullptr ? text : ""; }

// Of C++ or Rust. That of a C function is an internal name, `__GI_atoi`.
bool IsMangled(std::string_view name) {
  return name.starts_with("_Z") || name.starts_with("_R");
}

// The mangled name; empty for C, and for a C++ function that is not exported.
std::string MangledName(Dwarf_Die* function) {
  for (const unsigned name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    Dwarf_Attribute attribute;
    if (dwarf_attr_integrate(function, name, &attribute) == nullptr) continue;
    std::string text = NonNull(dwarf_formstring(&attribute));
    if (IsMangled(text)) return text;
  }
  return "";
}

std::uint64_t Number(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(die, name, &attribute) == nullptr ||
      dwarf_formudata(&attribute, &value) != 0) {
    return 0;
  }
  return value;
}

// The position that an inlined function was called from.
void ReadCaller(Dwarf_Die* unit, Dwarf_Die* inlined, SourceLine& line) {
  Dwarf_Files* files = nullptr;
  line.file.clear();
  if (dwarf_getsrcfiles(unit, &files, nullptr) == 0) {
    line.file = NonNull(dwarf_filesrc(files, Number(inlined, DW_AT_call_file),
                                      nullptr, nullptr));
  }
  line.line = static_cast<int>(Number(inlined, DW_AT_call_line));
}

// Whether the debug information of a file refers to that of another, by a path
// which libdw would open: a FIFO, or a device. What is in /usr/lib/debug is
// trusted, and does so by design: see dwz(1).
bool NamesOtherFile(Dwfl_Module* module) {
  Dwarf_Addr bias = 0;
  Dwarf* const debug_info = dwfl_module_getdwarf(module, &bias);
  const char* path = nullptr;
  const void* build_id = nullptr;
  if (debug_info == nullptr ||
      dwelf_dwarf_gnu_debugaltlink(debug_info, &path, &build_id) <= 0) {
    return false;
  }
  const char* separate = nullptr;
  dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                   &separate);
  return !NonNull(separate).starts_with("/usr/lib/debug/");
}

}  // namespace

DebugInfo::DebugInfo(int descriptor) : dwfl_(dwfl_begin(&kCallbacks)) {
  if (dwfl_ == nullptr) return;
  dwfl_report_begin(dwfl_);
  // Closed by libdw unless there is an error.
  const int owned = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  constexpr bool kAddressesOfFile = true;
  module_ = dwfl_report_elf(dwfl_, "", "", owned, 0, kAddressesOfFile);
  if (module_ == nullptr && owned >= 0) close(owned);
  dwfl_report_end(dwfl_, nullptr, nullptr);
}

DebugInfo::~DebugInfo() { dwfl_end(dwfl_); }

std::vector<SourceLine> DebugInfo::Find(std::uint64_t address) const {
  if (module_ == nullptr) return {};
  const bool has_lines = !NamesOtherFile(module_);
  std::vector<SourceLine> lines;
  if (has_lines) lines = FindInlined(address);
  if (!lines.empty()) return lines;
  const std::string symbol = FindSymbol(address);
  if (symbol.empty()) return {};
  lines.push_back({.function = symbol, .file = {}});
  if (!has_lines) return lines;
  if (Dwfl_Line* const position = dwfl_module_getsrc(module_, address)) {
    lines.back().file = NonNull(dwfl_lineinfo(
        position, nullptr, &lines.back().line, nullptr, nullptr, nullptr));
  }
  return lines;
}

std::vector<SourceLine> DebugInfo::FindInlined(std::uint64_t address) const {
  Dwarf_Addr bias = 0;
  Dwarf_Die* const unit = dwfl_module_addrdie(module_, address, &bias);
  if (unit == nullptr) return {};
  const Scopes scopes(unit, address - bias);
  SourceLine line;
  if (Dwfl_Line* const position = dwfl_module_getsrc(module_, address)) {
    line.file = NonNull(dwfl_lineinfo(position, nullptr, &line.line, nullptr,
                                      nullptr, nullptr));
  }
  std::vector<SourceLine> lines;
  for (std::size_t i = 0; i < scopes.size; ++i) {
    Dwarf_Die* const scope = &scopes.dies[i];
    const int tag = dwarf_tag(scope);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    line.function = MangledName(scope);
    if (line.function.empty() && tag == DW_TAG_subprogram) {
      const std::string symbol = FindSymbol(address);
      if (IsMangled(symbol)) line.function = symbol;
    }
    if (line.function.empty()) line.function = NonNull(dwarf_diename(scope));
    if (line.function.empty()) return {};
    lines.push_back(line);
    if (tag == DW_TAG_subprogram) break;
    ReadCaller(unit, scope, line);
  }
  return lines;
}

// A symbol whose size does not reach to the address is of another function.
std::string DebugInfo::FindSymbol(std::uint64_t address) const {
  GElf_Off offset = 0;
  GElf_Sym symbol;
  const char* const name = dwfl_module_addrinfo(
      module_, address, &offset, &symbol, nullptr, nullptr, nullptr);
  return name != nullptr && offset < symbol.st_size ? name : "";
}

std::string DebugInfo::BuildId() const {
  const unsigned char* bytes = nullptr;
  GElf_Addr address = 0;
  const int size =
      module_ == nullptr ? 0 : dwfl_module_build_id(module_, &bytes, &address);
  std::string digits;
  for (int i = 0; i < size; ++i) {
    constexpr const char* kDigits = "0123456789abcdef";
    digits += kDigits[bytes[i] >> 4];
    digits += kDigits[bytes[i] & 15];
  }
  return digits;
}

}  // namespace jemalloc_exporter
