#ifndef JEMALLOC_EXPORTER_TESTS_TEST_SERVER_H_
#define JEMALLOC_EXPORTER_TESTS_TEST_SERVER_H_

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/http/listen.h"
#include "exporter/http/server.h"
#include "tests/support/http_client.h"

namespace jemalloc_exporter {

inline Response Text(std::string body) {
  return {.content_type = "text/plain", .body = std::move(body)};
}

// What /page of a TestServer answers.
inline const std::string kPage =
    "HTTP/1.1 200 OK\r\nDate: -\r\nContent-Type: text/plain\r\n"
    "Content-Length: 5\r\n\r\npage\n";

// So big that it fits no socket's buffers.
inline const std::string kBigBody = [] {
  std::string body;
  body.resize(20'000'000, 'x');
  return body;
}();

// A server on a free port of 127.0.0.1, and what it reports.
class TestServer {
 public:
  explicit TestServer(HttpServerOptions options = {})
      : http_(Noting(std::move(options))) {
    http_.AddStaticResponse("/page", Text("page\n"));
  }

  void Start() {
    std::string error;
    std::vector<FileDescriptor> listeners;
    listeners.push_back(Listen("127.0.0.1:0", &error));
    port_ = ListeningPort(listeners.front());
    ASSERT_TRUE(http_.Start(std::move(listeners), &error)) << error;
  }

  int port() const { return port_; }
  HttpServer& operator*() { return http_; }

  std::vector<int> statuses() {
    const std::lock_guard lock(mutex_);
    return statuses_;
  }
  std::vector<std::string> clients() {
    const std::lock_guard lock(mutex_);
    return clients_;
  }
  std::vector<std::string> problems() {
    const std::lock_guard lock(mutex_);
    return problems_;
  }

 private:
  HttpServerOptions Noting(HttpServerOptions options) {
    options.on_response = [this](std::string_view, std::string_view, int status,
                                 std::string_view client) {
      Note(statuses_, status);
      Note(clients_, std::string(client));
    };
    options.on_error = [this](const std::string& line) {
      Note(problems_, line);
    };
    return options;
  }

  template <typename T>
  void Note(std::vector<T>& list, const T& item) {
    const std::lock_guard lock(mutex_);
    list.push_back(item);
  }

  std::mutex mutex_;
  std::vector<int> statuses_;
  std::vector<std::string> clients_;
  std::vector<std::string> problems_;
  int port_ = 0;
  HttpServer http_;
};

inline constexpr ConnectionLimits::Time kShortTimeout{300};
inline constexpr ConnectionLimits::Time kNoTimeout{600'000};

// So many clients that have sent `request`.
inline std::vector<HttpClient> Connect(int port, int count,
                                       const std::string& request) {
  std::vector<HttpClient> clients;
  for (int i = 0; i < count; ++i) {
    clients.emplace_back(port).Send(request);
  }
  return clients;
}

// A handler that waits until it is released.
class BlockingHandler {
 public:
  Handler MakeHandler() {
    return [this](const Request&) {
      ++entered_;
      entered_.notify_all();
      opened_.wait();
      return Text("late\n");
    };
  }
  void AwaitEntered(int count) const {
    for (int seen = entered_; seen < count; seen = entered_) {
      entered_.wait(seen);
    }
  }
  void Open() { open_.set_value(); }

 private:
  std::atomic<int> entered_{0};
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future();
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_TEST_SERVER_H_
