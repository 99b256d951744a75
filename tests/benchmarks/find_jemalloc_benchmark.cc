// The agent's search for jemalloc, part of the start of every program that
// carries it: bounds are 0.2 ms for a small program, and 60 ms for a million
// symbols.

#include <benchmark/benchmark.h>
#include <link.h>

#include <string>

#include "exporter/agent/find_jemalloc.h"
#include "exporter/agent/object_symbols.h"
#include "exporter/agent/program_symbols.h"
#include "tests/support/elf_image.h"

namespace jemalloc_exporter {
namespace {

SymbolBuffer buffer;

// All objects of this program, and its file.
void FindInThisProgram(benchmark::State& state) {
  while (state.KeepRunning()) benchmark::DoNotOptimize(FindJemallocs());
}
BENCHMARK(FindInThisProgram)->Unit(benchmark::kMillisecond);

void FindInLoadedObjects(benchmark::State& state) {
  while (state.KeepRunning()) {
    dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void*) {
          MallctlSymbol found[kMaxHeaps];
          benchmark::DoNotOptimize(FindMallctlInObject(*object, found));
          return 0;
        },
        nullptr);
  }
}
BENCHMARK(FindInLoadedObjects)->Unit(benchmark::kMillisecond);

// Names of 100 bytes, as of C++ functions. With jemalloc among them, the
// symbols are read in addition to the names.
void FindInFile(benchmark::State& state) {
  ElfImage image;
  for (int i = 0; i < state.range(0); ++i) {
    std::string name = "_ZN" + std::to_string(i);
    name.resize(100, 'x');
    image.AddFunction(name, 0x1000);
  }
  if (state.range(1) != 0) image.AddJemalloc("_rjem_", 0x1100);
  const std::string bytes = image.ToBytes();
  const MemoryFile file(bytes);
  MallctlSymbol found[kMaxHeaps];
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(FindMallctlInFile(
        file.descriptor(), SymbolTable::kAll, {}, &buffer, found));
  }
  state.counters["file_bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(FindInFile)
    ->ArgNames({"symbols", "jemalloc"})
    ->ArgsProduct({{1'000, 100'000, 1'000'000}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace jemalloc_exporter

BENCHMARK_MAIN();
