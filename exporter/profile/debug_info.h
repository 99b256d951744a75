#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_DEBUG_INFO_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_DEBUG_INFO_H_

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <string>
#include <vector>

namespace jemalloc_exporter {

/// A function and a position in its source, as a file has them.
struct SourceLine {
  std::string function;  ///< As in the symbol table: mangled.
  std::string file;      ///< Empty without debug information.
  int line = 0;          ///< 0 without debug information.
};

/// The debug information and symbol tables of an ELF file, by libdw.
///
/// Separate debug information is found by build id in /usr/lib/debug; never in
/// a network. The file's own is not used where it refers to another file by a
/// path (`.gnu_debugaltlink`); it has symbols then, and no lines. The file is
/// untrusted, and libdw maps it: run it under resource limits. Not thread-safe.
class DebugInfo {
 public:
  /// Reads the file of `descriptor`, which the caller keeps.
  explicit DebugInfo(int descriptor);
  DebugInfo(const DebugInfo&) = delete;
  DebugInfo& operator=(const DebugInfo&) = delete;
  ~DebugInfo();

  /// The functions at an address in the file, inlined ones first. Empty if it
  /// has none there.
  std::vector<SourceLine> Find(std::uint64_t address) const;

  /// The build id in hexadecimal digits; empty without one.
  std::string BuildId() const;

 private:
  std::vector<SourceLine> FindInlined(std::uint64_t address) const;
  std::string FindSymbol(std::uint64_t address) const;

  Dwfl* dwfl_;
  Dwfl_Module* module_ = nullptr;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_DEBUG_INFO_H_
