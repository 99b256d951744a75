#include "collector/report/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace jemalloc_exporter {
namespace {

bool WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool WriteNew(const std::string& path, std::string_view text,
              Survives survives) {
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return false;
  const bool written = WriteAll(file, text) &&
                       (survives == Survives::kCrash || fsync(file) == 0);
  const int error = errno;
  close(file);
  errno = error;
  return written;
}

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

std::string WriteWholeFile(const std::string& path, std::string_view text,
                           Survives survives) {
  // Not mkstemp: only its owner could read that file, and whoever collects
  // files is often another user.
  const std::string part = path + "." + std::to_string(getpid()) + ".part";
  unlink(part.c_str());
  if (WriteNew(part, text, survives) &&
      rename(part.c_str(), path.c_str()) == 0) {
    return {};
  }
  const std::error_code error(errno, std::generic_category());
  unlink(part.c_str());
  return error.message();
}

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
