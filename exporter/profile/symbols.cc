#include "exporter/profile/symbols.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "exporter/attach/elf_file.h"
#include "exporter/profile/function_starts.h"
#include "exporter/profile/hexadecimal.h"
#include "exporter/profile/mapped_file.h"

namespace jemalloc_exporter {
namespace {

std::string Filename(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

class Symbols::File {
 public:
  File(ElfFile elf, std::string name)
      : elf_(std::move(elf)),
        name_(std::move(name)),
        debug_info_(elf_.descriptor()) {}

  std::string BuildId() const { return debug_info_.BuildId(); }

  std::vector<SourceLine> Find(const Mapping& mapping, std::uint64_t address) {
    const auto in_file =
        ToFileAddress(address - mapping.start + mapping.offset);
    if (!in_file) return {};
    std::vector<SourceLine> lines = debug_info_.Find(*in_file);
    if (lines.empty()) {
      const std::string name = NameByStart(*in_file);
      if (!name.empty()) lines.push_back({.function = name, .file = {}});
    }
    return lines;
  }

 private:
  // Of the segment that has this offset in the file.
  std::optional<std::uint64_t> ToFileAddress(std::uint64_t offset) const {
    for (const Elf64_Phdr& segment : elf_.segments()) {
      if (segment.p_type == PT_LOAD &&
          offset - segment.p_offset < segment.p_filesz) {
        return offset - segment.p_offset + segment.p_vaddr;
      }
    }
    return std::nullopt;
  }

  std::string NameByStart(std::uint64_t address) {
    if (!starts_) starts_ = ReadFunctionStarts(elf_);
    const auto next =
        std::upper_bound(starts_->begin(), starts_->end(), address);
    return next == starts_->begin() ? ""
                                    : name_ + "+" + ToHexadecimal(*(next - 1));
  }

  ElfFile elf_;
  std::string name_;
  DebugInfo debug_info_;
  std::optional<std::vector<std::uint64_t>> starts_;
};

Symbols::Symbols(pid_t pid) : pid_(pid) {}

Symbols::~Symbols() = default;

Symbols::File* Symbols::FindFile(const Mapping& mapping) {
  const auto [found, is_new] =
      files_.try_emplace({mapping.path, mapping.inode});
  if (is_new) {
    FileDescriptor file = OpenMappedFile(pid_, mapping);
    auto elf = file ? ElfFile::Read(std::move(file)) : std::nullopt;
    if (elf) {
      found->second =
          std::make_unique<File>(*std::move(elf), Filename(mapping.path));
    }
  }
  return found->second.get();
}

std::vector<SourceLine> Symbols::Find(const Mapping& mapping,
                                      std::uint64_t address) {
  File* const file = FindFile(mapping);
  return file == nullptr ? std::vector<SourceLine>()
                         : file->Find(mapping, address);
}

std::string Symbols::BuildId(const Mapping& mapping) {
  File* const file = FindFile(mapping);
  return file == nullptr ? "" : file->BuildId();
}

std::string Demangle(const std::string& name) {
  if (!name.starts_with("_Z")) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return demangled ? demangled.get() : name;
}

}  // namespace jemalloc_exporter
