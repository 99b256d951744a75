#include "exporter/http/listen.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

#include "tests/support/http_client.h"
#include "tests/support/subprocess.h"

namespace jemalloc_exporter {
namespace {

std::string ErrorOf(const std::string& address) {
  std::string error;
  EXPECT_FALSE(Listen(address, &error)) << address;
  return error;
}

FileDescriptor MustListen(const std::string& address) {
  std::string error;
  FileDescriptor listener = Listen(address, &error);
  EXPECT_EQ(error, "");
  return listener;
}

bool CanConnect(const char* host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* address = nullptr;
  if (getaddrinfo(host, std::to_string(port).c_str(), &hints, &address) != 0) {
    return false;
  }
  const FileDescriptor client(socket(address->ai_family, SOCK_STREAM, 0));
  const int result =
      connect(client.get(), address->ai_addr, address->ai_addrlen);
  freeaddrinfo(address);
  return result == 0;
}

TEST(Listen, AcceptsConnectionsOnTheAddressOnly) {
  const FileDescriptor listener = MustListen("127.0.0.1:0");
  const int port = ListeningPort(listener);
  EXPECT_TRUE(CanConnect("127.0.0.1", port));
  EXPECT_FALSE(CanConnect("127.0.0.2", port));
  EXPECT_FALSE(CanConnect("::1", port));
}

// A connection that the server closes first stays in TIME_WAIT.
TEST(Listen, ReusesAPortInTimeWait) {
  FileDescriptor former = MustListen("127.0.0.1:0");
  const int port = ListeningPort(former);
  ASSERT_TRUE(CanConnect("127.0.0.1", port));
  const HttpClient client(port);
  for (int i = 0; i < 2; ++i) {
    pollfd incoming{former.get(), POLLIN, 0};
    ASSERT_EQ(poll(&incoming, 1, 30'000), 1);
    // Closed before the client closes its end.
    FileDescriptor(accept(former.get(), nullptr, nullptr));
  }
  former = FileDescriptor();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  EXPECT_EQ(ListeningPort(MustListen(address)), port);
}

TEST(Listen, AcceptsConnectionsOnAnIpv6Address) {
  const FileDescriptor listener = MustListen("[::1]:0");
  const int port = ListeningPort(listener);
  EXPECT_TRUE(CanConnect("::1", port));
  EXPECT_FALSE(CanConnect("127.0.0.1", port));
}

TEST(Listen, AcceptsIpv4AndIpv6WithoutAHost) {
  for (const char* const address : {":0", "[::]:0"}) {
    const FileDescriptor listener = MustListen(address);
    const int port = ListeningPort(listener);
    EXPECT_TRUE(CanConnect("127.0.0.1", port)) << address;
    EXPECT_TRUE(CanConnect("::1", port)) << address;
  }
}

TEST(Listen, ResolvesANameToIpv4) {
  const FileDescriptor listener = MustListen("localhost:0");
  EXPECT_TRUE(CanConnect("127.0.0.1", ListeningPort(listener)));
}

TEST(Listen, BindsTheGivenPort) {
  const int port = ListeningPort(MustListen("127.0.0.1:0"));
  const FileDescriptor again = MustListen("127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(ListeningPort(again), port);
}

TEST(Listen, SetsCloexecAndNonblock) {
  const FileDescriptor listener = MustListen("127.0.0.1:0");
  EXPECT_NE(fcntl(listener.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(fcntl(listener.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Listen, ReportsAPortInUse) {
  for (const std::string host : {"127.0.0.1", "[::1]", ""}) {
    const FileDescriptor listener = MustListen(host + ":0");
    const std::string address =
        host + ":" + std::to_string(ListeningPort(listener));
    EXPECT_EQ(ErrorOf(address),
              "cannot listen on " + address + ": Address already in use");
  }
}

TEST(Listen, ReportsANonLocalAddress) {
  EXPECT_EQ(ErrorOf("192.0.2.1:0"),
            "cannot listen on 192.0.2.1:0: Cannot assign requested address");
}

TEST(Listen, ReportsAMalformedAddress) {
  EXPECT_EQ(
      ErrorOf(""),
      "cannot listen on : no port; expected HOST:PORT, [IPV6]:PORT, :PORT or "
      "unix:PATH");
  EXPECT_EQ(
      ErrorOf("9464"),
      "cannot listen on 9464: no port; expected HOST:PORT, [IPV6]:PORT, :PORT "
      "or unix:PATH");
  for (const std::string address :
       {":", ":http", ":65536", ":-1", ":+1", ": 1", ":1 ", ":0x50",
        "localhost:", "127.0.0.1:99999999999999999999", "http://localhost"}) {
    EXPECT_EQ(ErrorOf(address),
              "cannot listen on " + address +
                  ": the port must be a number from 0 to 65535");
  }
  for (const std::string address : {"::1:80", "[::1:80", "::1]:80", "[]:80"}) {
    EXPECT_EQ(ErrorOf(address),
              "cannot listen on " + address +
                  ": an IPv6 address must stand in brackets, as in [::1]:80");
  }
  EXPECT_EQ(ErrorOf("[localhost]:0"),
            "cannot listen on [localhost]:0: Name or service not known");
}

TEST(Listen, ReportsAPrivilegedPort) {
  int first_free = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first_free;
  if (first_free <= 80) GTEST_SKIP() << "no port below 81 is privileged";
  RunInSubprocess([] {
    if (getuid() == 0) {
      ASSERT_EQ(setuid(65534), 0);
    }
    EXPECT_EQ(ErrorOf("127.0.0.1:80"),
              "cannot listen on 127.0.0.1:80: Permission denied");
  });
}

TEST(Listen, FallsBackToIpv4WithoutIpv6) {
  RunInSubprocess([] {
    FailSystemCall(SYS_socket, EAFNOSUPPORT, AF_INET6);
    const FileDescriptor listener = MustListen(":0");
    EXPECT_TRUE(CanConnect("127.0.0.1", ListeningPort(listener)));
    EXPECT_EQ(ErrorOf("[::1]:0"),
              "cannot listen on [::1]:0: Address family not supported by "
              "protocol");
  });
}

TEST(ListeningAddress, HasTheFormatOfListen) {
  for (const std::string host : {"127.0.0.1", "[::1]", "[::]"}) {
    const FileDescriptor listener = MustListen(host + ":0");
    EXPECT_EQ(ListeningAddress(listener),
              host + ":" + std::to_string(ListeningPort(listener)));
  }
}

TEST(ListeningAddress, IsUnknownForAnInvalidDescriptor) {
  EXPECT_EQ(ListeningAddress(FileDescriptor()), "?");
}

TEST(ListeningPort, IsZeroForAnInvalidDescriptor) {
  EXPECT_EQ(ListeningPort(FileDescriptor()), 0);
}

}  // namespace
}  // namespace jemalloc_exporter
