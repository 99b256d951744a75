#include "jemalloc_exporter/server.h"

#include <map>
#include <mutex>
#include <utility>

#include "exporter/endpoints/metrics_handler.h"
#include "exporter/http/listen.h"
#include "exporter/http/server.h"

namespace jemalloc_exporter {

class Server::Impl {
 public:
  explicit Impl(const std::string& address);

  void Register(const std::weak_ptr<prometheus::Collectable>& collectable,
                const std::string& path);
  void Remove(const std::weak_ptr<prometheus::Collectable>& collectable,
              const std::string& path);

  std::string error;
  std::vector<int> ports;

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<MetricsHandler>> handlers_;
  HttpServer http_;
};

Server::Impl::Impl(const std::string& address) {
  FileDescriptor listener = Listen(address, &error);
  if (!listener) return;
  const int port = ListeningPort(listener);
  std::vector<FileDescriptor> listeners;
  listeners.push_back(std::move(listener));
  if (!http_.Start(std::move(listeners), &error)) return;
  if (port != 0) ports.push_back(port);
}

void Server::Impl::Register(
    const std::weak_ptr<prometheus::Collectable>& collectable,
    const std::string& path) {
  const std::lock_guard lock(mutex_);
  auto& handler = handlers_[path];
  if (handler) return handler->Add(collectable);
  handler = std::make_shared<MetricsHandler>();
  handler->Add(collectable);
  http_.AddHandler(path, [handler](const Request& request) {
    return handler->Respond(request);
  });
}

void Server::Impl::Remove(
    const std::weak_ptr<prometheus::Collectable>& collectable,
    const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = handlers_.find(path);
  if (found != handlers_.end()) found->second->Remove(collectable);
}

Server::Server(const std::string& address)
    : impl_(std::make_unique<Impl>(address)) {}

Server::~Server() = default;

bool Server::ok() const { return impl_->error.empty(); }

const std::string& Server::error() const { return impl_->error; }

void Server::RegisterCollectable(
    const std::weak_ptr<prometheus::Collectable>& collectable,
    const std::string& path) {
  impl_->Register(collectable, path);
}

void Server::RemoveCollectable(
    const std::weak_ptr<prometheus::Collectable>& collectable,
    const std::string& path) {
  impl_->Remove(collectable, path);
}

std::vector<int> Server::GetListeningPorts() const { return impl_->ports; }

}  // namespace jemalloc_exporter
