// Start, stop, fork, and the effects on the host process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/http/listen.h"
#include "exporter/http/server.h"
#include "tests/support/http_client.h"
#include "tests/support/subprocess.h"
#include "tests/support/test_server.h"

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(HttpServerStop, SendsTheResponsesOfRunningHandlers) {
  BlockingHandler blocking;
  std::optional<TestServer> server;
  server.emplace();
  (**server).AddHandler("/slow", blocking.MakeHandler());
  server->Start();
  HttpClient client(server->port());
  client.Send(Get("/slow"));
  blocking.AwaitEntered(1);
  auto stopped = std::async(std::launch::async, [&] { server.reset(); });
  // The listening socket is closed first.
  while (HttpClient(client.port()).connected()) std::this_thread::yield();
  blocking.Open();
  EXPECT_THAT(client.ReceiveToEnd(), HasSubstr("\r\n\r\nlate\n"));
  stopped.get();
}

TEST(HttpServerStop, SurvivesADisconnectDuringTheHandler) {
  BlockingHandler blocking;
  std::optional<TestServer> server;
  server.emplace(
      HttpServerOptions{.connections = {.read_timeout = kNoTimeout}});
  (**server).AddHandler("/slow", blocking.MakeHandler());
  server->Start();
  HttpClient client(server->port());
  client.Send(Get("/slow"));
  blocking.AwaitEntered(1);
  client.Reset();
  auto stopped = std::async(std::launch::async, [&] { server.reset(); });
  while (HttpClient(client.port()).connected()) std::this_thread::yield();
  blocking.Open();
  stopped.get();
}

TEST(HttpServerStop, DoesNotWaitForClients) {
  std::optional<TestServer> server;
  server.emplace();
  (**server).AddHandler("/big", [](const Request&) { return Text(kBigBody); });
  server->Start();
  auto clients = Connect(server->port(), 3, "");
  std::ranges::move(Connect(server->port(), 3, "GET /page HT"),
                    std::back_inserter(clients));
  std::ranges::move(Connect(server->port(), 3, Get("/big")),
                    std::back_inserter(clients));
  EXPECT_EQ(SendRequest(server->port(), Get("/page")), kPage);
  server.reset();
  for (HttpClient& client : clients) client.ReceiveToEnd();
}

TEST(HttpServerStop, IsOptionalBeforeStart) {
  HttpServer server;
  server.AddStaticResponse("/page", Text("page\n"));
}

TEST(HttpServerStart, ServesSeveralSockets) {
  std::string error;
  std::vector<FileDescriptor> listeners;
  listeners.push_back(Listen("127.0.0.1:0", &error));
  listeners.push_back(Listen(":0", &error));
  const int ports[] = {ListeningPort(listeners[0]),
                       ListeningPort(listeners[1])};
  HttpServer server;
  server.AddStaticResponse("/page", Text("page\n"));
  ASSERT_TRUE(server.Start(std::move(listeners), &error)) << error;
  for (const int port : ports)
    EXPECT_EQ(SendRequest(port, Get("/page")), kPage);
}

std::string ErrorOfStart() {
  std::string error;
  std::vector<FileDescriptor> listeners;
  listeners.push_back(Listen("127.0.0.1:0", &error));
  HttpServer server;
  EXPECT_FALSE(server.Start(std::move(listeners), &error));
  return error;
}

TEST(HttpServerStart, ReportsALackOfFileDescriptors) {
  std::vector<std::vector<int>> calls = {{SYS_epoll_create1}};
#if !defined(__SANITIZE_ADDRESS__)  // UBSan opens pipes to inspect objects.
  // Asio creates a pipe where it cannot create an event descriptor.
  calls.push_back({SYS_eventfd2, SYS_pipe2});
#endif
  for (const auto& failing : calls) {
    RunInSubprocess([&] {
      for (const auto call : failing) FailSystemCall(call, EMFILE);
      EXPECT_THAT(ErrorOfStart(),
                  AllOf(StartsWith("cannot start the HTTP server: "),
                        EndsWith("Too many open files")));
    });
  }
}

TEST(HttpServerStart, ReportsALackOfThreads) {
  RunInSubprocess([] {
    FailSystemCall(SYS_clone3, EAGAIN);
    EXPECT_EQ(ErrorOfStart(),
              "cannot start the HTTP server: Resource temporarily unavailable");
  });
}

// Lowers RLIMIT_NOFILE to the number of open descriptors.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const FileDescriptor lowest(dup(0));
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest.get());
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(HttpServer, RecoversFromALackOfFileDescriptors) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UBSan opens descriptors to inspect objects";
#endif
  TestServer server;
  server.Start();
  FileDescriptor spare(socket(AF_INET, SOCK_STREAM, 0));
  std::optional<NoMoreFiles> no_more_files;
  no_more_files.emplace();
  HttpClient client(server.port(), std::move(spare));
  client.Send(Get("/page"));
  while (server.problems().empty()) std::this_thread::yield();
  // Further attempts, one in 100 ms, are not reported.
  std::this_thread::sleep_for(std::chrono::milliseconds(550));
  EXPECT_THAT(server.problems(),
              ElementsAre("cannot accept connections: Too many open files"));
  no_more_files.reset();
  EXPECT_EQ(client.Receive(), kPage);
}

TEST(ServerThreads, BlockAsynchronousSignalsOnly) {
  sigset_t blocked;
  std::array<char, 16> name{};
  TestServer server;
  (*server).AddHandler("/mask", [&](const Request&) {
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    pthread_getname_np(pthread_self(), name.data(), name.size());
    return Text("");
  });
  server.Start();
  SendRequest(server.port(), Get("/mask"));
  EXPECT_STREQ(name.data(), "je_exporter_web");
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGPIPE, SIGALRM,
                           SIGUSR1, SIGPROF, SIGRTMIN}) {
    EXPECT_TRUE(sigismember(&blocked, signal)) << signal;
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    EXPECT_FALSE(sigismember(&blocked, signal)) << signal;
  }
}

TEST(HttpServer, DoesNotChangeSignalDispositions) {
  struct sigaction before {};
  struct sigaction after {};
  sigset_t mask;
  sigaction(SIGPIPE, nullptr, &before);
  {
    TestServer server;
    server.Start();
    SendRequest(server.port(), Get("/page"));
    sigaction(SIGPIPE, nullptr, &after);
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  }
  EXPECT_EQ(after.sa_handler, before.sa_handler);
  EXPECT_FALSE(sigismember(&mask, SIGTERM));
}

TEST(HttpServer, ServesInTheParentAndReleasesThePortInTheChildAfterFork) {
  std::optional<TestServer> server;
  server.emplace();
  server->Start();
  const int port = server->port();
  std::array<int, 2> child_exit{};
  ASSERT_EQ(pipe(child_exit.data()), 0);
  std::array<int, 2> child_has_destroyed{};
  ASSERT_EQ(pipe(child_has_destroyed.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    server.reset();
    close(child_exit[1]);
    static_cast<void>(write(child_has_destroyed[1], &byte, 1));
    static_cast<void>(read(child_exit[0], &byte, 1));
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(child_has_destroyed[0], &byte, 1), 1);
  EXPECT_EQ(SendRequest(port, Get("/page")), kPage);
  server.reset();
  EXPECT_FALSE(HttpClient(port).connected());
  close(child_exit[1]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace jemalloc_exporter
