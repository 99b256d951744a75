#include "exporter/process/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

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
  std::string contents;
  char buffer[8192];
  for (;;) {
    const ssize_t size = read(file.descriptor(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return {};
    if (size == 0) return contents;
    contents.append(buffer, static_cast<std::size_t>(size));
  }
}

}  // namespace jemalloc_exporter
