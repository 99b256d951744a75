// Files of programs, whose symbol tables the agent reads in their process.
// Built as a libFuzzer target by clang, and by any compiler as a test that
// replays the seeds.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "exporter/agent/program_symbols.h"
#include "tests/fuzz/require.h"
#include "tests/support/elf_image.h"

using jemalloc_exporter::kMaxHeaps;
using jemalloc_exporter::MallctlSymbol;
using jemalloc_exporter::Require;
using jemalloc_exporter::SymbolTable;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  static const jemalloc_exporter::MemoryFile file("");
  static jemalloc_exporter::SymbolBuffer buffer;
  Require(file.Write({reinterpret_cast<const char*>(data), size}));
  for (const auto table : {SymbolTable::kAll, SymbolTable::kExported}) {
    MallctlSymbol found[kMaxHeaps];
    const std::size_t count = jemalloc_exporter::FindMallctlInFile(
        file.descriptor(), table, {}, &buffer, found);
    Require(count <= kMaxHeaps);
    for (std::size_t i = 0; i < count; ++i) {
      Require(found[i].prefix.view().size() <=
              jemalloc_exporter::kMaxPrefixSize);
    }
  }
  return 0;
}
