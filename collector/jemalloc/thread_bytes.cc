#include "jemalloc_exporter/thread_bytes.h"

#include <cstddef>

namespace jemalloc_exporter {
namespace {

const std::uint64_t* FindCounter(Mallctl* mallctl, const char* name) {
  std::uint64_t* counter = nullptr;
  std::size_t size = sizeof(counter);
  if (mallctl(name, &counter, &size, nullptr, 0) != 0) return nullptr;
  return size == sizeof(counter) ? counter : nullptr;
}

}  // namespace

std::optional<ThreadBytes> ReadThreadBytes(Mallctl* mallctl) noexcept {
  if (mallctl == nullptr) return std::nullopt;
  const auto* const allocated = FindCounter(mallctl, "thread.allocatedp");
  const auto* const freed = FindCounter(mallctl, "thread.deallocatedp");
  if (allocated == nullptr || freed == nullptr) return std::nullopt;
  return ThreadBytes{*allocated, *freed};
}

}  // namespace jemalloc_exporter
