#include "exporter/agent/find_jemalloc.h"

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "collector/jemalloc/jemalloc_version.h"
#include "collector/jemalloc/mallctl_names.h"
#include "exporter/agent/object_symbols.h"
#include "exporter/agent/program_symbols.h"
#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

// Not on the stack of the host, which can be small. Pages that are not written
// take no memory.
constinit SymbolBuffer buffer = {};

struct Search {
  Jemallocs candidates;
  dl_phdr_info program = {};  // The main program: the first object.
};

bool StartsWithDigit(const char* text) {
  return text != nullptr && *text >= '0' && *text <= '9';
}

void AddSymbols(std::span<const MallctlSymbol> symbols, std::uintptr_t base,
                Jemallocs* candidates) {
  for (const MallctlSymbol& symbol : symbols) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): of a symbol table.
    auto* const mallctl = reinterpret_cast<Mallctl*>(base + symbol.value);
    candidates->Add(symbol.prefix, mallctl);
  }
}

int SearchObject(dl_phdr_info* object, std::size_t /*unused*/, void* data) {
  auto& search = *static_cast<Search*>(data);
  if (search.program.dlpi_phdr == nullptr) search.program = *object;
  MallctlSymbol symbols[kMaxHeaps];
  const std::size_t count = FindMallctlInObject(*object, symbols);
  AddSymbols({symbols, count}, object->dlpi_addr, &search.candidates);
  return 0;
}

// The kernel's link leads to the file that is executed, also where another one
// has its name now.
void SearchProgramFile(Search* search) {
  const int file = OpenFile("/proc/self/exe");
  if (file < 0) return;
  const dl_phdr_info& program = search->program;
  MallctlSymbol symbols[kMaxHeaps];
  const std::size_t count = FindMallctlInFile(
      file, SymbolTable::kAll, {program.dlpi_phdr, program.dlpi_phnum}, &buffer,
      symbols);
  SystemCall(SYS_close, file);
  AddSymbols({symbols, count}, program.dlpi_addr, &search->candidates);
}

}  // namespace

bool Jemallocs::Contains(const MallctlPrefix& prefix, Mallctl* mallctl) const {
  return std::any_of(begin(), end(), [&](const Jemalloc& other) {
    return other.mallctl == mallctl || other.prefix.view() == prefix.view();
  });
}

void Jemallocs::Add(const MallctlPrefix& prefix, Mallctl* mallctl) {
  if (mallctl == nullptr || count_ == kMaxHeaps || Contains(prefix, mallctl)) {
    return;
  }
  jemallocs_[count_++] = {prefix, mallctl};
}

Mallctl* Jemallocs::Find(std::string_view prefix) const {
  const auto* const found =
      std::find_if(begin(), end(), [&](const Jemalloc& jemalloc) {
        return jemalloc.prefix.view() == prefix;
      });
  return found == end() ? nullptr : found->mallctl;
}

Jemallocs FindJemallocs() {
  Jemallocs found;
  for (const NamedMallctl& named : ReferencedMallctls()) {
    found.Add(MallctlPrefix(named.prefix), named.function);
  }
  Search search;
  dl_iterate_phdr(SearchObject, &search);
  if (search.program.dlpi_phnum > 0) SearchProgramFile(&search);
  // Not in the callback, during which the dynamic linker's lock is held.
  for (const Jemalloc& candidate : search.candidates) {
    if (found.Contains(candidate.prefix, candidate.mallctl)) continue;
    if (StartsWithDigit(JemallocVersion(candidate.mallctl))) {
      found.Add(candidate.prefix, candidate.mallctl);
    }
  }
  return found;
}

}  // namespace jemalloc_exporter
