#include "exporter/http_config/config_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "exporter/http/file_descriptor.h"
#include "exporter/http/wait_until_readable.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Fail(const std::string& path, const std::string& reason) {
  throw std::runtime_error("cannot read " + path + ": " + reason);
}

[[noreturn]] void Fail(const std::string& path, int error) {
  Fail(path, std::generic_category().message(error));
}

// Waits until there is something to read.
void Await(int file, const std::string& path, Clock::time_point deadline) {
  if (Clock::now() >= deadline || !WaitUntilReadable(file, deadline))
    Fail(path, "no end of file within " +
                   std::to_string(ConfigFileReader::kPipeTimeout.count()) +
                   " s");
}

std::string ReadAll(int file, const std::string& path, bool is_pipe) {
  const auto deadline = Clock::now() + ConfigFileReader::kPipeTimeout;
  std::string text;
  std::array<char, 16'384> chunk;
  while (text.size() <= ConfigFileReader::kMaxSize) {
    const ssize_t size = read(file, chunk.data(), chunk.size());
    if (size == 0) return text;
    if (size > 0) {
      text.append(chunk.data(), static_cast<std::size_t>(size));
    } else if (errno == EAGAIN && is_pipe) {
      Await(file, path, deadline);
    } else if (errno != EINTR) {
      Fail(path, errno);
    }
  }
  Fail(path, EFBIG);
}

}  // namespace

std::string ConfigFileReader::Read(const std::string& path) {
  if (const auto known = pipes_.find(path); known != pipes_.end())
    return known->second;
  // Without effect, unlike to open a FIFO or a device for reading.
  const FileDescriptor location(open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!location || fstat(location.get(), &status) != 0) Fail(path, errno);
  if (S_ISDIR(status.st_mode)) Fail(path, EISDIR);
  struct statfs file_system {};
  const bool is_pipe = S_ISFIFO(status.st_mode) &&
                       fstatfs(location.get(), &file_system) == 0 &&
                       file_system.f_type == PIPEFS_MAGIC;
  if (!is_pipe && !S_ISREG(status.st_mode)) Fail(path, "not a regular file");

  const std::string same = "/proc/self/fd/" + std::to_string(location.get());
  const FileDescriptor file(
      open(same.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) Fail(path, errno);
  std::string text = ReadAll(file.get(), path, is_pipe);
  if (is_pipe) {
    if (text.empty()) Fail(path, "the pipe is empty");
    pipes_[path] = text;
  }
  return text;
}

}  // namespace jemalloc_exporter
