#include "exporter/endpoints/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kCheckInterval{100};
constexpr std::chrono::milliseconds kExitInterval{5};
constexpr std::size_t kMaxErrorBytes = 4096;

[[noreturn]] void Fail(int error, const char* call) {
  throw std::system_error(error, std::generic_category(), call);
}

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) Fail(errno, "pipe2");
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }

  FileDescriptor reader;
  FileDescriptor writer;
};

bool IsInherited(std::string_view variable) {
  constexpr std::array<std::string_view, 4> kOmitted = {
      "JEMALLOC_EXPORTER_", "MALLOC_CONF=", "LD_PRELOAD=", "DEBUGINFOD_"};
  return std::ranges::none_of(kOmitted, [&](std::string_view start) {
    return variable.starts_with(start);
  });
}

std::vector<char*> InheritedEnvironment() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (IsInherited(*variable)) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

class FileActions {
 public:
  FileActions(const Pipe& output, const Pipe& error) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output.writer.get(),
                                     STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, error.writer.get(),
                                     STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_ = {};
};

// The threads of the server block every signal.
class DefaultSignals {
 public:
  DefaultSignals() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~DefaultSignals() { posix_spawnattr_destroy(&attributes_); }
  DefaultSignals(const DefaultSignals&) = delete;
  DefaultSignals& operator=(const DefaultSignals&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_ = {};
};

// A running child, killed and reaped at the latest by the destructor.
class Child {
 public:
  Child(const std::string& program, const std::vector<std::string>& arguments) {
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) {
      words.push_back(const_cast<char*>(argument.c_str()));
    }
    words.push_back(nullptr);
    const std::vector<char*> environment = InheritedEnvironment();
    const int failed =
        posix_spawn(&pid_, program.c_str(), FileActions(output_, error_).get(),
                    DefaultSignals().get(), words.data(), environment.data());
    if (failed != 0) Fail(failed, program.c_str());
    output_.writer = FileDescriptor();
    error_.writer = FileDescriptor();
  }
  ~Child() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    Reap(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int output() const { return output_.reader.get(); }
  int error() const { return error_.reader.get(); }

  // Whether it has ended; then `wait_status` is set.
  bool Reap(int options) {
    pid_t ended = 0;
    do {
      ended = waitpid(pid_, &wait_status, options);
    } while (ended < 0 && errno == EINTR);
    if (ended == 0) return false;
    // Without a status where this process ignores SIGCHLD.
    if (ended < 0) wait_status = SIGKILL;
    pid_ = -1;
    return true;
  }

  int wait_status = 0;

 private:
  Pipe output_;
  Pipe error_;
  pid_t pid_ = -1;
};

// Appends what can be read; keeps `max` bytes. Returns false at the end.
bool ReadSome(int pipe, std::string& text, std::size_t max) {
  std::array<char, 65536> bytes;
  const ssize_t size = read(pipe, bytes.data(), bytes.size());
  if (size < 0) return errno == EINTR;
  const auto kept = std::min(static_cast<std::size_t>(size), max - text.size());
  text.append(bytes.data(), kept);
  return size > 0;
}

// Whether a limit requires the end of the child.
bool IsOver(const ChildLimits& limits, ChildResult& result) {
  if (Clock::now() >= limits.deadline) {
    result.end = ChildResult::End::kDeadline;
  } else if (limits.is_abandoned()) {
    result.end = ChildResult::End::kAbandoned;
  } else if (result.output.size() > limits.max_output_bytes) {
    result.end = ChildResult::End::kTooMuchOutput;
  } else {
    return false;
  }
  return true;
}

}  // namespace

ChildResult RunChild(const std::string& program,
                     const std::vector<std::string>& arguments,
                     const ChildLimits& limits) {
  Child child(program, arguments);
  ChildResult result;
  pollfd pipes[] = {{child.output(), POLLIN, 0}, {child.error(), POLLIN, 0}};
  while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
    if (IsOver(limits, result)) return result;
    if (poll(pipes, std::size(pipes), kCheckInterval.count()) <= 0) continue;
    if (pipes[0].revents != 0 &&
        !ReadSome(pipes[0].fd, result.output, limits.max_output_bytes + 1)) {
      pipes[0].fd = -1;
    }
    if (pipes[1].revents != 0 &&
        !ReadSome(pipes[1].fd, result.error, kMaxErrorBytes)) {
      pipes[1].fd = -1;
    }
  }
  while (!child.Reap(WNOHANG)) {
    if (IsOver(limits, result)) return result;
    poll(nullptr, 0, kExitInterval.count());
  }
  if (WIFEXITED(child.wait_status)) {
    result.end = ChildResult::End::kExited;
    result.exit_status = WEXITSTATUS(child.wait_status);
  }
  return result;
}

}  // namespace jemalloc_exporter
