#include "exporter/agent/start_conditions.h"

#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "exporter/agent/excluded_programs.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent/system_call.h"
#include "exporter/agent/system_call_probe.h"

namespace jemalloc_exporter {
namespace {

struct Functions {
  std::uintptr_t mallctl;
  std::uintptr_t allocators[2];
};

bool Covers(const dl_phdr_info& object, std::uintptr_t address) {
  const ElfW(Phdr)* const end = object.dlpi_phdr + object.dlpi_phnum;
  return std::any_of(object.dlpi_phdr, end, [&](const ElfW(Phdr) & header) {
    return header.p_type == PT_LOAD &&
           address - object.dlpi_addr - header.p_vaddr < header.p_memsz;
  });
}

// 1 where `mallctl` belongs to the object and an allocator does, too; 2 where
// `mallctl` alone does; 0, to go on, elsewhere.
int Compare(dl_phdr_info* object, std::size_t /*unused*/, void* data) {
  const auto& functions = *static_cast<const Functions*>(data);
  if (!Covers(*object, functions.mallctl)) return 0;
  return std::any_of(std::begin(functions.allocators),
                     std::end(functions.allocators),
                     [&](std::uintptr_t f) { return Covers(*object, f); })
             ? 1
             : 2;
}

std::string_view LastComponent(const char* path) {
  if (path == nullptr) return {};
  const char* const slash = std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

template <typename Function>
std::uintptr_t Address(Function* function) {
  return reinterpret_cast<std::uintptr_t>(function);
}

}  // namespace

bool IsOff(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && value == kAgentOff;
}

bool IsProgramExcluded(std::string_view excluded) {
  // The kernel passes it as a number.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const auto* const path = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (IsExcluded(LastComponent(path), excluded) ||
      IsExcluded(LastComponent(program_invocation_name), excluded)) {
    return true;
  }
  // Chromium executes itself by a link. A filter may kill for readlinkat(2).
  constexpr std::string_view kLinks = "/proc/";
  if (path == nullptr || !std::string_view(path).starts_with(kLinks) ||
      CountSeccompFilters() != 0) {
    return false;
  }
  char file[PATH_MAX];
  const auto size = SystemCall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", file,
                               sizeof(file) - 1);
  if (size < 0) return false;
  file[size] = '\0';
  return IsExcluded(LastComponent(file), excluded);
}

bool IsLoadedByAttach() {
  return dl_iterate_phdr(
             [](dl_phdr_info* object, std::size_t, void*) {
               return Covers(*object, Address(&IsLoadedByAttach)) &&
                              std::string_view(object->dlpi_name)
                                  .starts_with(kAttachPathPrefix)
                          ? 1
                          : 0;
             },
             nullptr) == 1;
}

// Two allocators, because the address of one can be that of the main program's
// jump to it: where the program is not position-independent and takes it.
bool IsHostAllocator(Mallctl* mallctl) {
  Functions functions = {Address(mallctl),
                         {Address(&std::malloc), Address(&posix_memalign)}};
  return dl_iterate_phdr(Compare, &functions) == 1;
}

}  // namespace jemalloc_exporter
