// A host of the agent that prints, for each line of stdin, the number of its
// allocations so far, of all threads. Run it with MALLOC_CONF=tcache:false:
// jemalloc counts allocations from a thread cache late.

#include <jemalloc/jemalloc.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

// In the arenas of all together, which have the number 4096.
std::uint64_t Count(const char* name) {
  std::uint64_t count = 0;
  std::size_t size = sizeof(count);
  if (mallctl(name, &count, &size, nullptr, 0) != 0) std::abort();
  return count;
}

void Refresh() {
  std::uint64_t epoch = 1;
  std::size_t size = sizeof(epoch);
  if (mallctl("epoch", &epoch, &size, &epoch, size) != 0) std::abort();
}

}  // namespace

int main() {
  std::printf("ready\n");
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) == 1) {
    Refresh();
    std::printf("%zu\n", static_cast<std::size_t>(
                             Count("stats.arenas.4096.small.nmalloc") +
                             Count("stats.arenas.4096.large.nmalloc")));
    std::fflush(stdout);
  }
}
