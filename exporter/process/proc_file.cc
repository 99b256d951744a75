#include "exporter/process/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>

namespace jemalloc_exporter {
namespace {

class ReadOnlyFile {
 public:
  explicit ReadOnlyFile(const char* path)
      : descriptor_(open(path, O_RDONLY | O_CLOEXEC)) {}
  ReadOnlyFile(const ReadOnlyFile&) = delete;
  ReadOnlyFile& operator=(const ReadOnlyFile&) = delete;
  ~ReadOnlyFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

std::string ReadProcFile(const std::string& path) {
  const ReadOnlyFile file(path.c_str());
  return ReadDescriptor(file.descriptor(),
                        std::numeric_limits<std::size_t>::max());
}

std::string ReadDescriptor(int descriptor, std::size_t max_size) {
  std::string contents;
  char buffer[8192];
  while (contents.size() < max_size) {
    const ssize_t size = read(descriptor, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return {};
    if (size == 0) break;
    contents.append(buffer, std::min(static_cast<std::size_t>(size),
                                     max_size - contents.size()));
  }
  return contents;
}

}  // namespace jemalloc_exporter
