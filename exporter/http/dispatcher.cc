#include "exporter/http/dispatcher.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <utility>

namespace jemalloc_exporter {
namespace {

// Password verifications in progress. At the 65 ms of bcrypt's default cost the
// last one ends after half a second.
constexpr std::size_t kMaxLogins = 8;
constexpr int kMaxLoginsPerClient = 2;

constexpr auto kAllowedMethods = "GET, HEAD, OPTIONS";

Response ErrorResponseWith(int status, std::string_view text,
                           const char* header, const char* value) {
  Response response = ErrorResponse(status, text);
  response.headers.emplace_back(header, value);
  return response;
}

}  // namespace

Dispatcher::Dispatcher(const HttpServerOptions& options,
                       const std::function<void()>& wake)
    : options_(options),
      handlers_({.max_threads = options.max_requests,
                 .wake = wake,
                 .on_error = options.on_error}),
      long_handlers_({.max_threads = kMaxLongHandlers,
                      .wake = wake,
                      .on_error = options.on_error}),
      verifier_({.max_threads = 1,
                 .rejects = false,
                 .wake = wake,
                 .on_error = options.on_error}) {}

void Dispatcher::Add(std::string path, Route route) {
  auto shared = std::make_shared<const Route>(std::move(route));
  const std::lock_guard lock(routes_mutex_);
  routes_[std::move(path)] = std::move(shared);
}

std::shared_ptr<Dispatcher::Login> Dispatcher::FindLogin(
    const HttpRequest& request, const std::string& client) {
  // A request that waits for a login owns it.
  std::erase_if(logins_,
                [](const auto& login) { return login.use_count() == 1; });
  const auto equal =
      std::ranges::find(logins_, request.authorization, &Login::authorization);
  if (equal != logins_.end()) return *equal;
  if (logins_.size() >= kMaxLogins ||
      std::ranges::count(logins_, client, &Login::client) >=
          kMaxLoginsPerClient) {
    return nullptr;
  }
  return logins_.emplace_back(
      std::make_shared<Login>(Login{request.authorization, client}));
}

void Dispatcher::Verify(Login& login) const {
  if (login.result != AuthResult::kPending) return;
  login.result = options_.security.verify_password(login.authorization)
                     ? AuthResult::kAllowed
                     : AuthResult::kDenied;
}

Dispatcher::RoutePtr Dispatcher::FindRoute(const HttpRequest& request) {
  const std::lock_guard lock(routes_mutex_);
  const auto found = routes_.find(request.path);
  return found == routes_.end() ? nullptr : found->second;
}

std::optional<Response> RespondWithoutHandler(const HttpRequest& request,
                                              AuthResult auth,
                                              const Route* route) {
  if (request.error_status != 0) {
    return ErrorResponse(request.error_status, "Bad request.");
  }
  if (auth == AuthResult::kPending) {
    return ErrorResponse(503, "Too many logins, try again later.");
  }
  if (auth == AuthResult::kDenied) {
    return ErrorResponseWith(401, "Unauthorized.", "WWW-Authenticate",
                             "Basic realm=\"jemalloc_exporter\"");
  }
  const bool is_options = request.method == "OPTIONS";
  if (route == nullptr && !(is_options && request.path == "*")) {
    return ErrorResponse(404, "Not found.");
  }
  if (!is_options && request.method != "GET" && request.method != "HEAD") {
    return ErrorResponseWith(405, "Method not allowed.", "Allow",
                             kAllowedMethods);
  }
  // No resource here needs a body, and one may hide a further request from a
  // proxy.
  if (request.has_body) {
    return ErrorResponse(400, "A request must not have a body.");
  }
  // Health checks of load balancers, HAProxy's default among them.
  if (is_options) return Response{.headers = {{"Allow", kAllowedMethods}}};
  if (!route->handler) return route->fixed;
  return std::nullopt;
}

Response Dispatcher::CallHandler(const HttpRequest& request,
                                 const Route& route) const {
  std::string reason = "unknown exception";
  try {
    return route.handler(request.fields);
  } catch (const std::exception& error) {
    reason = error.what();
  } catch (...) {
  }
  const std::string line = "cannot serve " + request.path + ": " + reason;
  options_.on_error(line);
  return ErrorResponse(500, line);
}

Response Dispatcher::TooManyRequests(const Route& route) const {
  const unsigned limit =
      route.is_long ? kMaxLongHandlers : options_.max_requests;
  return ErrorResponse(503, "Limit of concurrent requests reached (" +
                                std::to_string(limit) + "), try again later.");
}

WorkerPool& Dispatcher::PoolOf(const Route& route) {
  return route.is_long ? long_handlers_ : handlers_;
}

void Dispatcher::ResumeFinished() {
  handlers_.ResumeFinished();
  long_handlers_.ResumeFinished();
  verifier_.ResumeFinished();
}

WorkerPool::Clock::time_point Dispatcher::BeforeWait() {
  return std::min({handlers_.BeforeWait(), long_handlers_.BeforeWait(),
                   verifier_.BeforeWait()});
}

}  // namespace jemalloc_exporter
