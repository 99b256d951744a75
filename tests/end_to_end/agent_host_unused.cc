// A mallctl for the agent to find, of a jemalloc from which nothing allocates
// (see CMakeLists.txt).

#include <cstddef>

extern "C" {
int unused_mallctl(const char*, void*, std::size_t*, void*, std::size_t);

int mallctl(const char* name, void* oldp, std::size_t* oldlenp, void* newp,
            std::size_t newlen) {
  return unused_mallctl(name, oldp, oldlenp, newp, newlen);
}
}
