#include "exporter/attach/heap_symbols.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

#include "exporter/agent/program_symbols.h"
#include "exporter/process/stripped_jemalloc.h"

namespace jemalloc_exporter {

std::vector<RemoteHeap> FindHeaps(const std::vector<LoadedObject>& objects) {
  const auto buffer = std::make_unique<SymbolBuffer>();
  std::vector<RemoteHeap> found;
  for (const SymbolTable table : {SymbolTable::kExported, SymbolTable::kAll}) {
    for (const LoadedObject& object : objects) {
      std::array<MallctlSymbol, kMaxHeaps> symbols;
      const std::size_t count = FindMallctlInFile(
          object.file.descriptor(), table, {}, buffer.get(), symbols.data());
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t address = object.bias + symbols[i].value;
        const bool is_known = std::any_of(
            found.begin(), found.end(),
            [&](const RemoteHeap& heap) { return heap.mallctl == address; });
        if (is_known) continue;
        found.push_back({.mallctl = address,
                         .prefix = std::string(symbols[i].prefix.view()),
                         .library = object.is_program ? "" : object.path});
      }
    }
  }
  return found;
}

std::string DescribeMissingHeap(const TargetProcess& target) {
  if (HasOtherImage(target)) return std::string(kOtherImage);
  const std::string stripped =
      DescribeStrippedJemalloc("/proc/" + std::to_string(target.pid) + "/exe");
  return stripped.empty() ? "no jemalloc in it" : stripped;
}

}  // namespace jemalloc_exporter
