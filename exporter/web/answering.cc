#include "web/answering.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

namespace jemalloc_exporter {
namespace {

// Logins that are being verified. At the 65 ms that bcrypt takes by default the
// last of them has its answer after half a second.
constexpr std::size_t kMaxLogins = 8;
constexpr int kMaxLoginsPerClient = 2;

Response Unauthorized() {
  Response page = ErrorPage(401, "Unauthorized.");
  page.headers.emplace_back("WWW-Authenticate",
                            "Basic realm=\"jemalloc_exporter\"");
  return page;
}

// The response to a request that is not to be answered from its route.
std::optional<Response> Refusal(const Exchange& exchange) {
  if (!exchange.route) return ErrorPage(404, "Not found.");
  if (exchange.method != "GET" && exchange.method != "HEAD") {
    Response page = ErrorPage(405, "Method not allowed.");
    page.headers.emplace_back("Allow", "GET, HEAD");
    return page;
  }
  // There is no use for one here, and whoever sends it may be hiding another
  // request from a proxy in it.
  if (exchange.has_body) {
    return ErrorPage(400, "A request must not have a body.");
  }
  return std::nullopt;
}

}  // namespace

Answering::Answering(const HttpServerOptions& options,
                     std::function<void(Crew::Job)> add_job,
                     std::function<void(Exchange&)> on_answered)
    : options_(options),
      add_job_(std::move(add_job)),
      on_answered_(std::move(on_answered)) {
  logins_.reserve(kMaxLogins);
}

std::size_t Answering::MaxSlowJobs(const HttpServerOptions& options) {
  return options.max_requests == 0 ? 0 : options.max_requests + kMaxLogins;
}

void Answering::Add(std::string path, Route route) {
  auto shared = std::make_shared<const Route>(std::move(route));
  const std::lock_guard lock(routes_mutex_);
  routes_[std::move(path)] = std::move(shared);
}

std::shared_ptr<const Route> Answering::Find(const std::string& path) {
  const std::lock_guard lock(routes_mutex_);
  const auto found = routes_.find(path);
  return found == routes_.end() ? nullptr : found->second;
}

bool Answering::Answer(Exchange& exchange) {
  exchange.admission = options_.door.judge(exchange.authorization);
  if (exchange.admission == Admission::kUnknown) return Verify(exchange);
  return Serve(exchange);
}

void Answering::Refuse(Exchange& exchange, int status) const {
  Respond(exchange, ErrorPage(status, "Bad request."));
}

bool Answering::Verify(Exchange& exchange) {
  const auto of_client = std::count_if(
      logins_.begin(), logins_.end(),
      [&](const Exchange* other) { return other->client == exchange.client; });
  if (logins_.size() >= kMaxLogins || of_client >= kMaxLoginsPerClient) {
    return Respond(exchange,
                   ErrorPage(503, "Too many logins, try again later."));
  }
  const auto verify = [this, &exchange] {
    exchange.admission = options_.door.verify(exchange.authorization)
                             ? Admission::kGranted
                             : Admission::kDenied;
  };
  const auto finish = [this, &exchange] {
    std::erase(logins_, &exchange);
    return Serve(exchange);
  };
  AddJob(exchange, verify, finish);
  logins_.push_back(&exchange);
  return false;
}

bool Answering::Serve(Exchange& exchange) {
  if (exchange.admission != Admission::kGranted) {
    return Respond(exchange, Unauthorized());
  }
  exchange.route = Find(exchange.path);
  if (auto refusal = Refusal(exchange)) {
    return Respond(exchange, *std::move(refusal));
  }
  if (const auto* page = std::get_if<Response>(exchange.route.get())) {
    return Respond(exchange, *page);
  }
  return Handle(exchange);
}

bool Answering::Handle(Exchange& exchange) {
  const auto handle = [this, &exchange] {
    exchange.response = CallIfAllowed(exchange);
  };
  const auto finish = [this, &exchange] {
    if (!exchange.response) return true;
    return Respond(exchange, *std::move(exchange.response));
  };
  AddJob(exchange, handle, finish);
  return false;
}

// `finish` says whether that is all. Where memory is short neither may leave
// anything undone: there is no response then.
void Answering::AddJob(Exchange& exchange, std::function<void()> work,
                       std::function<bool()> finish) {
  const auto work_safely = [work = std::move(work)] {
    try {
      work();
    } catch (const std::exception&) {
      // `finish` finds nothing.
    }
  };
  const auto finish_safely = [this, &exchange, finish = std::move(finish)] {
    --jobs_;
    bool answered = true;
    try {
      answered = finish();
    } catch (const std::exception&) {
      exchange.response.reset();
    }
    if (answered) on_answered_(exchange);
  };
  add_job_({.work = work_safely, .finish = finish_safely});
  ++jobs_;
}

// Judged when it has a thread, not when it arrives: of quick handlers any
// number may arrive at the same instant, and be served within a moment.
Response Answering::CallIfAllowed(const Exchange& exchange) {
  const unsigned limit = options_.max_requests;
  const bool allowed = ++handlers_running_ <= limit || limit == 0;
  Response response =
      allowed
          ? Call(exchange)
          : ErrorPage(503, "Limit of concurrent requests reached (" +
                               std::to_string(limit) + "), try again later.");
  --handlers_running_;
  return response;
}

Response Answering::Call(const Exchange& exchange) const {
  std::string reason;
  try {
    return std::get<Handler>(*exchange.route)(exchange.request);
  } catch (const std::exception& error) {
    reason = error.what();
  } catch (...) {
    reason = "unknown exception";
  }
  const std::string line = "cannot serve " + exchange.path + ": " + reason;
  options_.on_problem(line);
  return ErrorPage(500, line);
}

bool Answering::Respond(Exchange& exchange, Response response) const {
  Headers more = options_.door.headers();
  std::move(more.begin(), more.end(), std::back_inserter(response.headers));
  options_.on_answer(response.status);
  exchange.response = std::move(response);
  return true;
}

}  // namespace jemalloc_exporter
