// A library with a jemalloc of its own, for programs that load and close it.

#include <cstddef>

extern "C" {
void* je_malloc(std::size_t size);
void* plugin_allocate(std::size_t size) { return je_malloc(size); }
}
