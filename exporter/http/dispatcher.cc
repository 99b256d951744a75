#include "exporter/http/dispatcher.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iterator>
#include <new>
#include <optional>
#include <utility>
#include <variant>

namespace jemalloc_exporter {
namespace {

// Password verifications in progress. At the 65 ms of bcrypt's default cost the
// last one ends after half a second.
constexpr std::size_t kMaxLogins = 8;
constexpr int kMaxLoginsPerClient = 2;

constexpr auto kAllowedMethods = "GET, HEAD, OPTIONS";

Response Unauthorized() {
  Response response = ErrorResponse(401, "Unauthorized.");
  response.headers.emplace_back("WWW-Authenticate",
                                "Basic realm=\"jemalloc_exporter\"");
  return response;
}

// The response to a request that does not reach its route.
std::optional<Response> ResponseWithoutRoute(const HttpRequest& request,
                                             const Route* route) {
  const bool is_options = request.method == "OPTIONS";
  if (route == nullptr && !(is_options && request.path == "*")) {
    return ErrorResponse(404, "Not found.");
  }
  if (!is_options && request.method != "GET" && request.method != "HEAD") {
    Response response = ErrorResponse(405, "Method not allowed.");
    response.headers.emplace_back("Allow", kAllowedMethods);
    return response;
  }
  // No resource here needs a body, and one may hide a further request from a
  // proxy.
  if (request.has_body) {
    return ErrorResponse(400, "A request must not have a body.");
  }
  // Health checks of load balancers, HAProxy's default among them.
  if (is_options) return Response{.headers = {{"Allow", kAllowedMethods}}};
  return std::nullopt;
}

Response CallHandler(const Handler& handler, const HttpRequest& request,
                     const HttpServerOptions& options) {
  std::string reason = "unknown exception";
  try {
    return handler(request.fields);
  } catch (const std::exception& error) {
    reason = error.what();
  } catch (...) {
  }
  const std::string line = "cannot serve " + request.path + ": " + reason;
  options.on_error(line);
  return ErrorResponse(500, line);
}

}  // namespace

// A password verification in progress, shared by equal credentials.
struct Dispatcher::Login {
  std::string authorization;
  std::string client;
  AuthResult result = AuthResult::kPending;  // Of the verifier's thread.
};

Dispatcher::Dispatcher(const HttpServerOptions& options,
                       const std::function<void()>& wake)
    : options_(options),
      handlers_({.max_threads = options.max_requests,
                 .wake = wake,
                 .on_error = options.on_error}),
      verifier_({.max_threads = 1,
                 .rejects = false,
                 .wake = wake,
                 .on_error = options.on_error}) {
  logins_.reserve(kMaxLogins);
}

void Dispatcher::Add(std::string path, Route route) {
  auto shared = std::make_shared<const Route>(std::move(route));
  const std::lock_guard lock(routes_mutex_);
  routes_[std::move(path)] = std::move(shared);
}

void Dispatcher::ResumeFinished() {
  handlers_.ResumeFinished();
  verifier_.ResumeFinished();
}

WorkerPool::Clock::time_point Dispatcher::BeforeWait() {
  return std::min(handlers_.BeforeWait(), verifier_.BeforeWait());
}

Task<Response> Dispatcher::Respond(const HttpRequest& request,
                                   const std::string& client) {
  Response response = co_await Select(request, client);
  Headers more = options_.security.headers();
  std::move(more.begin(), more.end(), std::back_inserter(response.headers));
  options_.on_response(request.method, request.path, response.status, client);
  co_return response;
}

Task<Response> Dispatcher::Select(const HttpRequest& request,
                                  const std::string& client) {
  if (request.error_status != 0) {
    co_return ErrorResponse(request.error_status, "Bad request.");
  }
  AuthResult auth = options_.security.check_credentials(request.authorization);
  if (auth == AuthResult::kPending) {
    auth = co_await Verify(request.authorization, client);
  }
  if (auth == AuthResult::kPending) {
    co_return ErrorResponse(503, "Too many logins, try again later.");
  }
  if (auth == AuthResult::kDenied) co_return Unauthorized();

  std::shared_ptr<const Route> route;
  {
    const std::lock_guard lock(routes_mutex_);
    const auto found = routes_.find(request.path);
    if (found != routes_.end()) route = found->second;
  }
  auto response = ResponseWithoutRoute(request, route.get());
  if (response) co_return *std::move(response);
  if (const auto* fixed = std::get_if<Response>(route.get())) {
    co_return *fixed;
  }
  co_return co_await RunHandler(std::get<Handler>(*route), request);
}

// kPending: there are too many verifications in progress.
Task<AuthResult> Dispatcher::Verify(const std::string& authorization,
                                    const std::string& client) {
  const auto equal =
      std::ranges::find(logins_, authorization, &Login::authorization);
  std::shared_ptr<Login> login = equal == logins_.end() ? nullptr : *equal;
  if (!login) {
    if (logins_.size() >= kMaxLogins ||
        std::ranges::count(logins_, client, &Login::client) >=
            kMaxLoginsPerClient) {
      co_return AuthResult::kPending;
    }
    login = std::make_shared<Login>(Login{authorization, client});
    logins_.push_back(login);
  }

  AuthResult result = AuthResult::kPending;
  const auto verify = [&] {
    try {
      if (login->result == AuthResult::kPending) {
        login->result = options_.security.verify_password(authorization)
                            ? AuthResult::kAllowed
                            : AuthResult::kDenied;
      }
    } catch (const std::exception&) {
      // A lack of memory: as if there were too many.
    }
    result = login->result;
  };
  WorkerPool::Job job(verifier_, std::cref(verify));
  co_await job;
  std::erase(logins_, login);
  co_return result;
}

Task<Response> Dispatcher::RunHandler(const Handler& handler,
                                      const HttpRequest& request) {
  std::optional<Response> response;
  const auto run = [&] {
    try {
      response = CallHandler(handler, request, options_);
    } catch (const std::exception&) {
      // No memory for an error response.
    }
  };
  WorkerPool::Job job(handlers_, std::cref(run));
  const bool ran = co_await job;
  if (!ran) {
    co_return ErrorResponse(503, "Limit of concurrent requests reached (" +
                                     std::to_string(options_.max_requests) +
                                     "), try again later.");
  }
  if (!response) throw std::bad_alloc();
  co_return *std::move(response);
}

}  // namespace jemalloc_exporter
