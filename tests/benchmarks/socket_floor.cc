// What the kernel takes to wake up N processes and to receive a document from
// each, as a scrape of N agents does: the floor of tests/benchmarks/
// agent_benchmark. Prints the median duration of a round, and the processor
// time that all processes take for a round, in ms.
//
// Usage: socket_floor PROCESSES ROUNDS

#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kDocumentSize = 2'900;  // As an agent's.

int CreateSocket(int flags) {
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
}

// Named for the process that starts it, which may be one of several.
socklen_t Address(pid_t parent, int index, sockaddr_un* address) {
  const std::string name = std::to_string(parent) + '/' + std::to_string(index);
  *address = {};
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path + 1, name.data(), name.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                name.size());
}

[[noreturn]] void Serve(int listener) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string document(kDocumentSize, 'x');
  for (;;) {
    pollfd ready = {listener, POLLIN, 0};
    poll(&ready, 1, -1);
    const int peer = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    send(peer, document.data(), document.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(peer);
  }
}

std::vector<pid_t> StartServers(int count) {
  std::vector<pid_t> servers;
  for (int i = 0; i < count; ++i) {
    sockaddr_un address;
    const socklen_t size = Address(getpid(), i, &address);
    const int listener = CreateSocket(SOCK_NONBLOCK);
    bind(listener, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener, 16);
    const pid_t pid = fork();
    if (pid == 0) Serve(listener);
    close(listener);
    servers.push_back(pid);
  }
  return servers;
}

// Connects to all, then receives until each has closed its connection.
std::size_t ReceiveAll(int count) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < count; ++i) {
    sockaddr_un address;
    const socklen_t size = Address(getpid(), i, &address);
    const int client = CreateSocket(SOCK_NONBLOCK);
    connect(client, reinterpret_cast<sockaddr*>(&address), size);
    epoll_event event = {.events = EPOLLIN, .data = {.fd = client}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
  }
  std::size_t received = 0;
  for (int open = count; open > 0;) {
    epoll_event events[64];
    const int ready = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < ready; ++i) {
      char bytes[4096];
      const ssize_t size = recv(events[i].data.fd, bytes, sizeof(bytes), 0);
      if (size > 0) {
        received += static_cast<std::size_t>(size);
        continue;
      }
      close(events[i].data.fd);
      --open;
    }
  }
  close(epoll);
  return received;
}

// Of processes with one thread.
double CpuMilliseconds(const std::vector<pid_t>& processes) {
  double nanoseconds = 0;
  for (const pid_t process : processes) {
    std::ifstream file("/proc/" + std::to_string(process) + "/schedstat");
    double running = 0;
    file >> running;
    nanoseconds += running;
  }
  return nanoseconds / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 3 ? std::atoi(argv[1]) : 0;
  const int rounds = argc == 3 ? std::atoi(argv[2]) : 0;
  if (count < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: %s PROCESSES ROUNDS\n", argv[0]);
    return 2;
  }
  const std::vector<pid_t> servers = StartServers(count);
  std::vector<pid_t> processes = servers;
  processes.push_back(getpid());
  ReceiveAll(count);  // The servers have started.
  const double cpu = CpuMilliseconds(processes);
  std::vector<double> durations;
  bool complete = true;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    complete &=
        ReceiveAll(count) == static_cast<std::size_t>(count) * kDocumentSize;
    durations.push_back(std::chrono::duration<double, std::milli>(
                            std::chrono::steady_clock::now() - begin)
                            .count());
  }
  const double cpu_of_round = (CpuMilliseconds(processes) - cpu) / rounds;
  for (const pid_t server : servers) kill(server, SIGKILL);
  for (const pid_t server : servers) waitpid(server, nullptr, 0);
  std::sort(durations.begin(), durations.end());
  std::printf("%.3f %.3f\n", durations[durations.size() / 2], cpu_of_round);
  return complete ? 0 : 1;
}
