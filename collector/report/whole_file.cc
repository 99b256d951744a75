#include "collector/report/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace jemalloc_exporter {
namespace {

// Returns the error's number; 0 if there was none.
int ReadAll(int file, std::size_t max_size, std::string& text) {
  std::array<char, 65'536> chunk;
  while (text.size() <= max_size) {
    const ssize_t size = read(file, chunk.data(), chunk.size());
    if (size == 0) return 0;
    if (size > 0) {
      text.append(chunk.data(), static_cast<std::size_t>(size));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return EFBIG;
}

}  // namespace

std::optional<std::string> ReadWholeFile(const std::string& path,
                                         std::size_t max_size,
                                         std::string* error) {
  std::string text;
  int reason = 0;
  if (const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC); file < 0) {
    reason = errno;
  } else {
    reason = ReadAll(file, max_size, text);
    close(file);
  }
  if (reason == 0) return text;
  *error = std::generic_category().message(reason);
  return std::nullopt;
}

}  // namespace jemalloc_exporter
