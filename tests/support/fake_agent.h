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
#include <utility>

#include "exporter/agent/wire.h"

namespace jemalloc_exporter {

/// A process of its own that poses as an agent. Killed with the object.
class FakeAgent {
 public:
  /// The process runs `body`, which calls `Ready` once it can be queried,
  /// and then sleeps. Returns when that is so.
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

  /// Waits until the process has exited by itself; returns the pid it had.
  pid_t Wait() {
    waitpid(pid_, nullptr, 0);
    return std::exchange(pid_, 0);
  }

  /// Returns when it has stopped; it continues with `SIGCONT`.
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

/// A number that this process and those forked later share.
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

/// Until a client has connected; does not accept it.
inline void AwaitConnection(int listener) {
  pollfd ready = {listener, POLLIN, 0};
  poll(&ready, 1, -1);
}

/// Sends `document` to the next client; counts its connection before.
inline void AnswerOnce(int listener, const std::string& document,
                       const SharedCounter* connections = nullptr) {
  const int client = accept(listener, nullptr, nullptr);
  if (connections != nullptr) connections->Increment();
  SendAndClose(client, document);
}

/// Sends `document` to every client, for ever.
[[noreturn]] inline void Answer(int listener, const std::string& document) {
  for (;;) AnswerOnce(listener, document);
}

/// The document of an agent whose process has this pid.
inline std::string Document(pid_t pid, const std::string& comm = "claimed") {
  return R"({"agent":1,"pid":)" + std::to_string(pid) + R"(,"comm":")" + comm +
         R"(","jemalloc_version":"5.3.0","state":"used",)"
         R"("heap_state":{"allocated_bytes":7}})";
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_AGENT_H_
