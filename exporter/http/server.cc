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

struct HttpServer::Impl {
  const HttpServerOptions options;
  const pid_t pid = getpid();
  std::optional<EventLoop> loop = {};  // From `Start` on.
  Dispatcher dispatcher{options, [this] { loop->Wake(); }};
  std::thread thread = {};
};

HttpServer::HttpServer(HttpServerOptions options)
    : impl_(new Impl{std::move(options)}) {}

HttpServer::~HttpServer() {
  if (impl_->pid != getpid()) {
    // The child has no threads of the server, and shares its connections with
    // the parent. The rest is leaked.
    Impl& leaked = *impl_.release();
    if (leaked.loop) leaked.loop->CloseListenersInChild();
  } else if (impl_->thread.joinable()) {
    impl_->loop->Stop();
    impl_->thread.join();
  }
}

void HttpServer::AddStaticResponse(std::string path, Response response) {
  impl_->dispatcher.Add(std::move(path), std::move(response));
}

void HttpServer::AddHandler(std::string path, Handler handler) {
  impl_->dispatcher.Add(std::move(path), std::move(handler));
}

bool HttpServer::Start(std::vector<FileDescriptor> listeners,
                       std::string* error) try {
  impl_->loop.emplace(impl_->options, impl_->dispatcher, std::move(listeners));
  impl_->thread = StartThreadWithSignalsBlocked(
      "je_exporter_web", [loop = &*impl_->loop] { loop->Run(); });
  return true;
} catch (const std::exception& failure) {
  *error = std::string("cannot start the HTTP server: ") + failure.what();
  return false;
}

}  // namespace jemalloc_exporter
