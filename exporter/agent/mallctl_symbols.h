#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_MALLCTL_SYMBOLS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_MALLCTL_SYMBOLS_H_

#include <link.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "exporter/agent/protocol.h"

namespace jemalloc_exporter {

/// What `configure --with-jemalloc-prefix` put before the names. Functions with
/// a longer one than `kMaxPrefixSize` are not found.
class MallctlPrefix {
 public:
  constexpr MallctlPrefix() = default;
  /// Of at most `kMaxPrefixSize` bytes.
  explicit MallctlPrefix(std::string_view prefix);
  std::string_view view() const { return {bytes_, size_}; }

 private:
  char bytes_[kMaxPrefixSize] = {};
  std::size_t size_ = 0;
};

/// A `mallctl` in the symbol table of an object.
struct MallctlSymbol {
  MallctlPrefix prefix;
  std::uintptr_t value = 0;  ///< Its address, less where the object is loaded.
};

/// Finds the `mallctl` of each jemalloc in a symbol table, whatever its prefix.
///
/// Pass the string table to `AddStrings`; if `has_candidates`, then the symbols
/// to `AddSymbols`; `Accept` has the results. A function is accepted whose name
/// ends in `mallctl`, which has 16 bytes or more in an executable segment, and
/// beside which are `mallctlnametomib` and `mallctlbymib` with the same prefix.
/// In .symtab, which has internal symbols too, one that ends in `ctl_byname` is
/// enough: link-time garbage collection removes unused siblings. Allocates
/// nothing, needs libc only, accepts any bytes.
class MallctlSymbols {
 public:
  /// Bytes at the end of a name that are looked at.
  static constexpr std::size_t kMaxNameSize =
      kMaxPrefixSize + std::string_view("mallctlnametomib").size();

  /// Adds a piece of the string table, at `offset` of it. Bytes behind its last
  /// NUL are ignored. A name that began in the previous piece must be repeated,
  /// but no more than `kMaxNameSize` bytes of it.
  void AddStrings(std::string_view piece, std::uint64_t offset);

  /// Whether a name ends in `mallctl`.
  bool has_candidates() const { return has_candidates_; }

  void AddSymbols(std::span<const ElfW(Sym)> symbols);

  /// Writes the accepted functions, at most `kMaxHeaps`, in the order of the
  /// table; returns their number. `segments` are the object's program headers.
  std::size_t Accept(std::span<const ElfW(Phdr)> segments,
                     bool has_internal_symbols, MallctlSymbol* out) const;

 private:
  enum class Kind { kMallctl, kNameToMib, kByMib, kByName };

  // A string of the table. Linkers let a symbol's name begin within the string
  // of another, so each byte up to the suffix can begin one.
  struct Name {
    Kind kind;
    std::uint64_t begin;
    std::uint64_t suffix;
    char text[kMaxPrefixSize];  // Before the suffix.
  };

  // A function with such a name.
  struct Function {
    Kind kind;
    MallctlPrefix prefix;
    std::uintptr_t value;
  };

  static constexpr std::size_t kMaxNames = 64;

  void AddName(std::string_view name, std::uint64_t offset);
  void AddFunction(const ElfW(Sym) & symbol);
  bool HasSibling(const Function& function, Kind kind) const;
  bool Has(Kind kind) const;

  Name names_[kMaxNames];
  std::size_t name_count_ = 0;
  Function functions_[kMaxNames];
  std::size_t function_count_ = 0;
  bool has_candidates_ = false;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_MALLCTL_SYMBOLS_H_
