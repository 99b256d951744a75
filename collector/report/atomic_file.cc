#include "collector/report/atomic_file.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <system_error>

namespace jemalloc_exporter {
namespace {

// For a pipe whose reader has stopped reading.
constexpr std::chrono::seconds kStallTimeout{5};

// Waits until `fd` accepts data.
bool WaitUntilWritable(int fd) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + kStallTimeout;
  pollfd ready = {fd, POLLOUT, 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max(deadline - Clock::now(), Clock::duration::zero()));
    const int count = poll(&ready, 1, static_cast<int>(left.count()));
    if (count >= 0 || errno != EINTR) return count > 0;
  }
}

// Like the other functions here, returns the error's number; 0 on success.
int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      if (!WaitUntilWritable(fd)) return ETIMEDOUT;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// Blocks SIGPIPE in this thread, and discards the signal that a write raised.
class SigpipeBlocker {
 public:
  SigpipeBlocker() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &previous_mask_);
  }
  ~SigpipeBlocker() {
    constexpr timespec kNow{};
    while (!was_pending_ && sigtimedwait(&sigpipe_, nullptr, &kNow) < 0 &&
           errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
  }
  SigpipeBlocker(const SigpipeBlocker&) = delete;
  SigpipeBlocker& operator=(const SigpipeBlocker&) = delete;

 private:
  sigset_t sigpipe_;
  sigset_t previous_mask_;
  bool was_pending_ = false;
};

// A name of an open descriptor. Replacing the file behind it would part the
// two.
bool IsDescriptorPath(std::string_view path) {
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (path.substr(0, folder.size()) == folder) return true;
  }
  return path == "/dev/stdout" || path == "/dev/stderr";
}

// A file that can be replaced by rename(2).
struct Target {
  std::string path;  // The last component is not a symbolic link.
  std::optional<struct stat> replaced;  // Absent if there is no file.
};

// The kernel follows the link, so that fs.protected_symlinks applies. The
// target of a dangling link is created.
std::optional<Target> FollowLink(const std::string& path) {
  int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    fd = open(path.c_str(), O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
  }
  if (fd < 0) return std::nullopt;
  struct stat file {};
  std::array<char, PATH_MAX> real;
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = readlink(link.c_str(), real.data(), real.size());
  const bool is_regular = fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
  close(fd);
  if (!is_regular || size < 0) return std::nullopt;
  Target target{{real.data(), static_cast<std::size_t>(size)}, file};
  // Not the file of a mount that is not reachable from here.
  struct stat same {};
  if (lstat(target.path.c_str(), &same) != 0 || same.st_dev != file.st_dev ||
      same.st_ino != file.st_ino) {
    return std::nullopt;
  }
  return target;
}

// Absent if the file has to be written in place.
std::optional<Target> FindTarget(const std::string& path) {
  if (IsDescriptorPath(path)) return std::nullopt;
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return Target{path, std::nullopt};
  if (S_ISREG(file.st_mode)) return Target{path, file};
  if (S_ISLNK(file.st_mode)) return FollowLink(path);
  return std::nullopt;
}

// Not umask(2), which changes it for all threads in order to return it.
mode_t Umask() {
  std::ifstream status("/proc/self/status");
  unsigned mask = 0077;
  for (std::string word; status >> word;) {
    if (word != "Umask:") continue;
    status >> std::oct >> mask;
    break;
  }
  return static_cast<mode_t>(mask);
}

// mkostemp(3) permits access to the owner only.
int SetAccess(int fd, const std::optional<struct stat>& replaced) {
  mode_t mode = 0666 & ~Umask();
  if (replaced) {
    mode = replaced->st_mode & 0777;
    // Without the privilege, the file belongs to this process's user.
    [[maybe_unused]] const int ignored =
        fchown(fd, replaced->st_uid, replaced->st_gid);
  }
  return fchmod(fd, mode) == 0 ? 0 : errno;
}

enum class Durability { kProcess, kDisk };

int Replace(const Target& target, std::string_view text,
            Durability durability) {
  std::string temporary = target.path + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return errno;
  int error = WriteAll(fd, text);
  if (error == 0) error = SetAccess(fd, target.replaced);
  if (error == 0 && durability == Durability::kDisk && fsync(fd) != 0) {
    error = errno;
  }
  // Network filesystems report a full disk here.
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary.c_str(), target.path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) unlink(temporary.c_str());
  return error;
}

// Not O_APPEND for all: a block device is written from its start.
int Overwrite(const std::string& path, std::string_view text) {
  const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const int fd =
      open(path.c_str(), IsDescriptorPath(path) ? flags | O_APPEND : flags);
  if (fd < 0) return errno;
  int error = 0;
  {
    const SigpipeBlocker blocker;
    error = WriteAll(fd, text);
  }
  if (close(fd) != 0 && error == 0) error = errno;
  return error;
}

std::string Message(int error) {
  return error == 0 ? "" : std::generic_category().message(error);
}

}  // namespace

std::string WriteFileAtomically(const std::string& path,
                                std::string_view text) {
  const auto target = FindTarget(path);
  return Message(target ? Replace(*target, text, Durability::kDisk)
                        : Overwrite(path, text));
}

std::string WriteCheckpoint(const std::string& path, std::string_view text) {
  const auto target = FindTarget(path);
  return Message(target ? Replace(*target, text, Durability::kProcess) : 0);
}

}  // namespace jemalloc_exporter
