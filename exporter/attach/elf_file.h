#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_ELF_FILE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_ELF_FILE_H_

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// An ELF file of this machine's class and byte order, see elf(5).
///
/// Hostile input: every offset is checked. Read with pread(2), never mapped: a
/// file that is truncated meanwhile would raise SIGBUS.
class ElfFile {
 public:
  /// Bytes of a symbol or string table that is read; larger ones are skipped.
  static constexpr std::uint64_t kMaxTableBytes = std::uint64_t{256} << 20;

  /// Called for each symbol, with its name.
  using SymbolFunction =
      std::function<void(std::string_view name, const Elf64_Sym& symbol)>;

  /// `CodeFunction` receives at least this much code before and after the
  /// bytes, where the segment has it.
  static constexpr std::size_t kContextBytes = 16;

  /// Called for bytes at an address, with the code before them, and with the
  /// code from them on.
  using CodeFunction = std::function<void(
      std::uint64_t address, std::string_view before, std::string_view from)>;

  /// Absent if `file` is no ELF file, or of another class or byte order.
  static std::optional<ElfFile> Read(FileDescriptor file);

  int descriptor() const { return file_.get(); }

  /// EM_X86_64 for instance.
  std::uint16_t machine() const { return machine_; }
  const std::vector<Elf64_Phdr>& segments() const { return segments_; }
  bool has_segment(std::uint32_t type) const;

  /// Visits the symbols of all tables of this type: SHT_DYNSYM or SHT_SYMTAB.
  void VisitSymbols(std::uint32_t table, const SymbolFunction& visit) const;

  /// Whether an executable segment contains the address.
  bool IsCode(std::uint64_t address) const;

  /// Visits each occurrence of `bytes` in the executable segments.
  void VisitInCode(std::string_view bytes, const CodeFunction& visit) const;

  /// Reads at an offset; false if the file ends before `size` bytes.
  bool ReadAt(std::uint64_t offset, void* to, std::size_t size) const;

 private:
  ElfFile() = default;
  template <typename T>
  std::optional<std::vector<T>> ReadTable(std::uint64_t offset,
                                          std::uint64_t bytes) const;

  FileDescriptor file_;
  std::uint16_t machine_ = EM_NONE;
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_ELF_FILE_H_
