// A library that the host of heap profiles loads and unloads.

#include <cstddef>
#include <stdexcept>
#include <string>

// Throws out of the library, if `throws`.
extern "C" [[gnu::noinline]] void* AllocateInModule(std::size_t size,
                                                    bool throws) {
  if (throws) throw std::runtime_error(std::string(size, 'x'));
  return ::operator new(size);
}
