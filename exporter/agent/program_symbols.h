#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_PROGRAM_SYMBOLS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_PROGRAM_SYMBOLS_H_

#include <link.h>

#include <cstddef>
#include <span>

#include "exporter/agent/mallctl_symbols.h"

namespace jemalloc_exporter {

/// Bytes of a symbol table and its string table that are read at most.
inline constexpr std::size_t kMaxSymbolBytes = std::size_t{256} << 20;

/// The memory that the reader of a file needs.
struct alignas(16) SymbolBuffer {
  static constexpr std::size_t kSize = std::size_t{64} * 1024;
  char bytes[kSize];
};

/// The tables of a file: .symtab has internal functions, .dynsym the exported.
enum class SymbolTable : unsigned {
  kAll = SHT_SYMTAB,
  kExported = SHT_DYNSYM,
};

/// Finds the `mallctl` of each jemalloc in an ELF file of this processor.
///
/// `file` is a descriptor that is only read by pread(2): never mapped, because
/// the file can be truncated meanwhile. `loaded` are the program headers of the
/// running program; where they differ from those of the file, it is another
/// one, and nothing is found. Empty: the file's own are used.
///
/// Writes at most `kMaxHeaps` results to `out`; returns their number, 0 for any
/// invalid file and for tables of more than `kMaxSymbolBytes`. Reads each table
/// once, in pieces. Allocates nothing, needs libc only; thread-safe with a
/// buffer for each call. Source: elf(5).
std::size_t FindMallctlInFile(int file, SymbolTable table,
                              std::span<const ElfW(Phdr)> loaded,
                              SymbolBuffer* buffer, MallctlSymbol* out);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_PROGRAM_SYMBOLS_H_
