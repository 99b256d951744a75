#include "whole_file.h"

#include <fcntl.h>
#include <unistd.h>

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

}  // namespace jemalloc_exporter
