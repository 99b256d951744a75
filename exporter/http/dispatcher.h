#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_DISPATCHER_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_DISPATCHER_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exporter/http/message.h"
#include "exporter/http/server_options.h"
#include "exporter/http/worker_pool.h"

namespace jemalloc_exporter {

/// The steps from a request to its response: authentication, routing, limits.
/// Each throws std::bad_alloc only. For the thread of the event loop, except
/// `Add`, `Verify` and `CallHandler`.
class Dispatcher {
 public:
  /// A password verification in progress, shared by equal credentials.
  struct Login {
    std::string authorization;
    std::string client;
    AuthResult result = AuthResult::kPending;  ///< Of the verifier's thread.
  };
  using RoutePtr = std::shared_ptr<const Route>;

  /// `wake` makes the event loop call `ResumeFinished`; from any thread.
  /// `options` outlive this.
  Dispatcher(const HttpServerOptions& options,
             const std::function<void()>& wake);

  /// Sets the resource at `path`. Thread-safe.
  void Add(std::string path, Route route);

  /// The verification of the request's credentials; null where too many are in
  /// progress. `client` is that of the connection's state.
  std::shared_ptr<Login> FindLogin(const HttpRequest& request,
                                   const std::string& client);
  /// For a job of `verifier`. Sets the login's result.
  void Verify(Login& login) const;

  /// Null where there is no resource at the path.
  RoutePtr FindRoute(const HttpRequest& request);
  /// For a job of `PoolOf`.
  Response CallHandler(const HttpRequest& request, const Route& route) const;
  /// Where that job was rejected.
  Response TooManyRequests(const Route& route) const;

  /// See `WorkerPool`.
  void ResumeFinished();
  WorkerPool::Clock::time_point BeforeWait();

  /// The threads of a handler.
  WorkerPool& PoolOf(const Route& route);
  WorkerPool& verifier() { return verifier_; }

 private:
  const HttpServerOptions& options_;

  std::mutex routes_mutex_;
  std::map<std::string, RoutePtr> routes_;

  std::vector<std::shared_ptr<Login>> logins_;
  WorkerPool handlers_;
  WorkerPool long_handlers_;
  WorkerPool verifier_;
};

/// The response to a request that does not reach a handler; otherwise none.
/// kPending: too many verifications are in progress.
std::optional<Response> RespondWithoutHandler(const HttpRequest& request,
                                              AuthResult auth,
                                              const Route* route);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_DISPATCHER_H_
