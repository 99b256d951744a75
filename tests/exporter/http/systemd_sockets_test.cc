#include "exporter/http/systemd_sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "exporter/http/listen.h"
#include "tests/support/subprocess.h"

namespace jemalloc_exporter {
namespace {

// As in sd_listen_fds(3): from descriptor 3 on, without FD_CLOEXEC and
// O_NONBLOCK.
void PassDescriptors(const std::vector<int>& descriptors) {
  int next = 3;
  for (const int descriptor : descriptors) {
    const int copy = dup(descriptor);
    dup2(copy, next);
    fcntl(next, F_SETFD, 0);
    fcntl(next, F_SETFL, 0);
    ++next;
  }
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  setenv("LISTEN_FDS", std::to_string(descriptors.size()).c_str(), 1);
}

std::string Error() {
  try {
    TakeSystemdSockets();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "none";
}

FileDescriptor MustListen() {
  std::string error;
  FileDescriptor listener = Listen("127.0.0.1:0", &error);
  EXPECT_TRUE(listener) << error;
  return listener;
}

TEST(SystemdSockets, ReturnsThePassedDescriptors) {
  RunInSubprocess([] {
    const FileDescriptor first(fcntl(MustListen().get(), F_DUPFD, 100));
    const FileDescriptor second(fcntl(MustListen().get(), F_DUPFD, 100));
    PassDescriptors({first.get(), second.get()});
    const auto sockets = TakeSystemdSockets();
    ASSERT_EQ(sockets.size(), 2);
    EXPECT_EQ(ListeningPort(sockets[0]), ListeningPort(first));
    EXPECT_EQ(ListeningPort(sockets[1]), ListeningPort(second));
  });
}

TEST(SystemdSockets, SetsCloexecAndNonblockAndUnsetsTheVariables) {
  RunInSubprocess([] {
    const FileDescriptor socket(fcntl(MustListen().get(), F_DUPFD, 100));
    PassDescriptors({socket.get()});
    const auto sockets = TakeSystemdSockets();
    EXPECT_NE(fcntl(sockets[0].get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(fcntl(sockets[0].get(), F_GETFL) & O_NONBLOCK, 0);
    for (const char* const name :
         {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
      EXPECT_EQ(std::getenv(name), nullptr) << name;
    }
  });
}

TEST(SystemdSockets, ThrowsWithoutListenPid) {
  RunInSubprocess([] {
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    EXPECT_EQ(Error(), "systemd hands over no sockets");
  });
}

TEST(SystemdSockets, ThrowsIfListenPidIsAnotherProcess) {
  RunInSubprocess([] {
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "1", 1);
    EXPECT_EQ(Error(), "systemd hands over no sockets");
  });
}

TEST(SystemdSockets, RejectsASocketThatDoesNotListen) {
  RunInSubprocess([] {
    const FileDescriptor datagrams(socket(AF_INET, SOCK_DGRAM, 0));
    const FileDescriptor high(fcntl(datagrams.get(), F_DUPFD, 100));
    PassDescriptors({high.get()});
    EXPECT_EQ(Error(),
              "descriptor 3 of systemd is no stream socket that listens");
  });
}

}  // namespace
}  // namespace jemalloc_exporter
