#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_AGENT_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_AGENT_H_

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "exporter/agent/wire.h"

namespace jemalloc_exporter {

/// A process of its own that poses as an agent. Killed with the object.
class FakeAgent {
 public:
  /// The process runs `body`, which calls `Ready` once it can be asked, and
  /// rests. Returns when that is so.
  explicit FakeAgent(const std::function<void(const FakeAgent&)>& body) {
    if (pipe(ready_) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      body(*this);
      Ready();
      for (;;) pause();
    }
    close(ready_[1]);
    char byte = 0;
    if (read(ready_[0], &byte, 1) != 1) Kill();
    close(ready_[0]);
  }
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;
  ~FakeAgent() { Kill(); }

  /// The process's number, in the parent; 0 where it could not get ready.
  pid_t pid() const { return pid_; }

  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  void Ready() const {
    if (write(ready_[1], "", 1) != 1) _exit(1);
  }

 private:
  pid_t pid_ = 0;
  int ready_[2] = {-1, -1};
};

/// A socket that listens in the name of an agent; exits on failure.
inline int ListenAs(AgentName name, int backlog = 16) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address;
  const socklen_t size = WriteAddress(name, &address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, backlog) != 0) {
    _exit(1);
  }
  return listener;
}

/// Says the same to every visitor, for ever.
[[noreturn]] inline void Answer(int listener, const std::string& document) {
  for (;;) {
    const int visitor = accept(listener, nullptr, nullptr);
    send(visitor, document.data(), document.size(), MSG_NOSIGNAL);
    close(visitor);
  }
}

/// What an agent says whose process has this number.
inline std::string Document(pid_t pid, const std::string& comm = "claimed") {
  return R"({"agent":1,"pid":)" + std::to_string(pid) + R"(,"comm":")" + comm +
         R"(","jemalloc_version":"5.3.0","state":"used",)"
         R"("heap_state":{"allocated_bytes":7}})";
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_AGENT_H_
