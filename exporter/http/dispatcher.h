#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_DISPATCHER_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_DISPATCHER_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exporter/http/message.h"
#include "exporter/http/request_parser.h"
#include "exporter/http/server_options.h"
#include "exporter/http/task.h"
#include "exporter/http/worker_pool.h"

namespace jemalloc_exporter {

/// Finds the response to a request: authentication, routing, limits. Handlers
/// and password verification run on worker threads. All functions but `Add` are
/// for the thread of the event loop.
class Dispatcher {
 public:
  /// `wake` makes the event loop call `ResumeFinished`; from any thread.
  /// `options` outlive this.
  Dispatcher(const HttpServerOptions& options,
             const std::function<void()>& wake);

  /// Sets the resource at `path`. Thread-safe.
  void Add(std::string path, Route route);

  /// The response to `request`, which must live until then. `client` is that of
  /// its connection's state. Throws std::bad_alloc.
  Task<Response> Respond(const HttpRequest& request, const std::string& client);

  /// See `WorkerPool`.
  void ResumeFinished();
  WorkerPool::Clock::time_point BeforeWait();

 private:
  struct Login;

  Task<Response> Select(const HttpRequest& request, const std::string& client);
  Task<AuthResult> Verify(const std::string& authorization,
                          const std::string& client);
  Task<Response> RunHandler(const Handler& handler, const HttpRequest& request);

  const HttpServerOptions& options_;

  std::mutex routes_mutex_;
  std::map<std::string, std::shared_ptr<const Route>> routes_;

  std::vector<std::shared_ptr<Login>> logins_;
  WorkerPool handlers_;
  WorkerPool verifier_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_DISPATCHER_H_
