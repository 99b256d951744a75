#include "exporter/cli/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace jemalloc_exporter {
namespace {

// Returns the error's number; 0 on success.
int ReadAll(int fd, std::size_t max_size, std::string& text) {
  std::array<char, 65'536> chunk;
  while (text.size() <= max_size) {
    const ssize_t size = read(fd, chunk.data(), chunk.size());
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

std::optional<std::string> ReadInputFile(const std::string& path,
                                         std::size_t max_size,
                                         std::string* error) {
  struct stat file {};
  // Before open(2), which can wait for a device.
  if (stat(path.c_str(), &file) == 0 && !S_ISREG(file.st_mode) &&
      !S_ISFIFO(file.st_mode) && !S_ISDIR(file.st_mode)) {
    *error = "not a regular file or a pipe";
    return std::nullopt;
  }
  std::string text;
  int reason = 0;
  if (const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC); fd < 0) {
    reason = errno;
  } else {
    reason = ReadAll(fd, max_size, text);
    close(fd);
  }
  if (reason == 0) return text;
  *error = std::generic_category().message(reason);
  return std::nullopt;
}

}  // namespace jemalloc_exporter
