#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_AGENT_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_AGENT_H_

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/agent/protocol.h"

namespace jemalloc_exporter {

/// A child process with an agent's socket. Killed with the object.
class FakeAgent {
 public:
  /// Runs `body` in the child, then pauses. Returns when `body` has called
  /// `Ready` or has returned.
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

  /// The pid of the child; 0 if it ended without `Ready`.
  pid_t pid() const { return pid_; }

  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  /// Waits until the child exits by itself; returns its pid.
  pid_t Wait() {
    waitpid(pid_, nullptr, 0);
    return std::exchange(pid_, 0);
  }

  /// Stops the child (SIGSTOP); returns when it has stopped.
  void Stop() const {
    if (pid_ <= 0) return;
    kill(pid_, SIGSTOP);
    waitpid(pid_, nullptr, WUNTRACED);
  }
  void Continue() const {
    if (pid_ > 0) kill(pid_, SIGCONT);
  }

  void Ready() const {
    if (write(ready_[1], "", 1) != 1) _exit(1);
  }

 private:
  pid_t pid_ = 0;
  int ready_[2] = {-1, -1};
};

/// Returns a listening socket with an agent's name; exits on failure.
inline int ListenAs(AgentAddress name, int backlog = 16,
                    std::string_view prefix = kSocketPrefix) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address;
  const socklen_t size = WriteAddress(name, &address, prefix);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, backlog) != 0) {
    _exit(1);
  }
  return listener;
}

/// The same with the name of an agent's socket for heap profiles.
inline int ListenForProfiles(AgentAddress name) {
  return ListenAs(name, 16, kProfileSocketPrefix);
}

/// A number in memory that is shared with child processes.
class SharedCounter {
 public:
  SharedCounter()
      : value_(static_cast<std::atomic<int>*>(
            mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  SharedCounter(const SharedCounter&) = delete;
  SharedCounter& operator=(const SharedCounter&) = delete;
  ~SharedCounter() { munmap(value_, sizeof(std::atomic<int>)); }

  int value() const { return *value_; }
  void Set(int value) const { *value_ = value; }
  void Increment() const { ++*value_; }

 private:
  std::atomic<int>* value_;
};

inline void SendAndClose(int client, const std::string& document) {
  send(client, document.data(), document.size(), MSG_NOSIGNAL);
  close(client);
}

/// Returns when a client has connected; does not accept the connection.
inline void AwaitConnection(int listener) {
  pollfd ready = {listener, POLLIN, 0};
  poll(&ready, 1, -1);
}

/// Accepts one connection, counts it, and sends `document`.
inline void RespondOnce(int listener, const std::string& document,
                        const SharedCounter* connections = nullptr) {
  const int client = accept(listener, nullptr, nullptr);
  if (connections != nullptr) connections->Increment();
  SendAndClose(client, document);
}

/// Sends `document` to every client; does not return.
[[noreturn]] inline void Respond(int listener, const std::string& document) {
  for (;;) RespondOnce(listener, document);
}

/// The document of an agent whose process has this pid.
inline std::string Document(pid_t pid, const std::string& comm = "unverified") {
  return R"({"agent":1,"pid":)" + std::to_string(pid) + R"(,"comm":")" + comm +
         R"(","jemalloc_version":"5.3.0","state":"used",)"
         R"("heap_state":{"allocated_bytes":7}})";
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_AGENT_H_
