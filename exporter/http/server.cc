#include "exporter/http/server.h"

#include <unistd.h>

#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "exporter/http/dispatcher.h"
#include "exporter/http/event_loop.h"
#include "exporter/http/service_thread.h"

namespace jemalloc_exporter {

class HttpServer::Impl {
 public:
  explicit Impl(HttpServerOptions options) : options_(std::move(options)) {}
  ~Impl() {
    if (!thread_.joinable()) return;
    loop_->Stop();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Add(std::string path, Route route) {
    dispatcher_.Add(std::move(path), std::move(route));
  }

  void Start(std::vector<FileDescriptor> listeners) {
    loop_.emplace(options_, dispatcher_, std::move(listeners));
    thread_ = StartThreadWithSignalsBlocked("je_exporter_web",
                                            [this] { loop_->Run(); });
  }

  bool IsOfThisProcess() const { return getpid() == pid_; }
  void CloseListenersInChild() {
    if (loop_) loop_->CloseListenersInChild();
  }

 private:
  const HttpServerOptions options_;
  const pid_t pid_ = getpid();
  std::optional<EventLoop> loop_;
  Dispatcher dispatcher_{options_, [this] { loop_->Wake(); }};
  std::thread thread_;
};

HttpServer::HttpServer(HttpServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

HttpServer::~HttpServer() {
  if (impl_->IsOfThisProcess()) return;
  // The child has no threads of the server, and shares its connections with the
  // parent. The rest is leaked.
  impl_.release()->CloseListenersInChild();
}

void HttpServer::AddStaticResponse(std::string path, Response response) {
  impl_->Add(std::move(path), std::move(response));
}

void HttpServer::AddHandler(std::string path, Handler handler) {
  impl_->Add(std::move(path), std::move(handler));
}

bool HttpServer::Start(std::vector<FileDescriptor> listeners,
                       std::string* error) try {
  impl_->Start(std::move(listeners));
  return true;
} catch (const std::exception& failure) {
  *error = std::string("cannot start the HTTP server: ") + failure.what();
  return false;
}

}  // namespace jemalloc_exporter
