#include "exporter/connector/release_memory.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace jemalloc_exporter {
namespace {

// Those with the largest relocated data.
constexpr std::string_view kUnusedLibraries[] = {"/libcrypto.so", "/libssl.so",
                                                 "/libdw.so", "/libdw-",
                                                 "/libprometheus-cpp-core.so"};

bool IsUnused(std::string_view library) {
  return std::any_of(std::begin(kUnusedLibraries), std::end(kUnusedLibraries),
                     [&](std::string_view name) {
                       return library.find(name) != std::string_view::npos;
                     });
}

void Discard(std::uintptr_t start, std::uintptr_t end) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  start &= ~(page - 1);
  end &= ~(page - 1);
  if (start >= end) return;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the linker.
  auto* const address = reinterpret_cast<void*>(start);
  madvise(address, end - start, MADV_DONTNEED);
}

// The linker needs the section .dynamic, and what follows it, to find symbols
// of other libraries.
int Release(dl_phdr_info* object, std::size_t /*size*/, void* /*unused*/) {
  const auto* const headers = object->dlpi_phdr;
  const auto* const last = headers + object->dlpi_phnum;
  const auto* const dynamic = std::find_if(headers, last, [](const auto& each) {
    return each.p_type == PT_DYNAMIC;
  });
  for (const auto* segment = headers; segment != last; ++segment) {
    if (segment->p_type != PT_LOAD) continue;
    const auto start = object->dlpi_addr + segment->p_vaddr;
    if ((segment->p_flags & PF_W) == 0) {
      Discard(start, start + segment->p_memsz);
    } else if (dynamic != last && dynamic->p_vaddr > segment->p_vaddr &&
               IsUnused(object->dlpi_name)) {
      Discard(start, object->dlpi_addr + dynamic->p_vaddr);
    }
  }
  return 0;
}

}  // namespace

void ReleaseMemory() { dl_iterate_phdr(Release, nullptr); }

}  // namespace jemalloc_exporter
