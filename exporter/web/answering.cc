#include "web/answering.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

namespace jemalloc_exporter {
namespace {

// Logins that are being verified. At the 65 ms that bcrypt takes by default the
// last of them has its answer after half a second.
constexpr std::size_t kMaxLogins = 8;
constexpr int kMaxLoginsPerClient = 2;

// A job for a request is done, on the watch: what comes next?
void Finish(Exchange& exchange, Exchange::Stage next) {
  exchange.stage = next;
  if (exchange.connection == nullptr) {
    delete &exchange;
  } else if (exchange.suspended) {
    MHD_resume_connection(exchange.connection);
  }
}

}  // namespace

Answering::Answering(const HttpServerOptions& options, Connections& connections,
                     std::function<void(Crew::Job)> add_job)
    : options_(options),
      connections_(connections),
      add_job_(std::move(add_job)) {}

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

MHD_Result Answering::Answer(Exchange& exchange, const char* method,
                             const char* version) {
  using Stage = Exchange::Stage;
  switch (exchange.stage) {
    case Stage::kArriving:
      return Receive(exchange, method, version);
    case Stage::kArrived:
      return exchange.admission == Admission::kUnknown
                 ? Verify(exchange)
                 : Serve(exchange, method);
    case Stage::kRunning:
      exchange.suspended = true;
      MHD_suspend_connection(exchange.connection);
      return MHD_YES;
    case Stage::kHandled:
      if (!exchange.response) return MHD_NO;
      return Reply(exchange, std::move(*exchange.response));
  }
  return MHD_NO;
}

// An answer this early makes MHD close the connection after it, so it is for
// those who are to be refused: what they still send is not read.
MHD_Result Answering::Receive(Exchange& exchange, std::string_view method,
                              const char* version) {
  exchange.stage = Exchange::Stage::kArrived;
  if (IsMalformed(exchange, version)) {
    return Reply(exchange, ErrorPage(MHD_HTTP_BAD_REQUEST, "Bad request."));
  }
  exchange.route = Find(exchange.path);
  exchange.admission = Judge(exchange);
  if (exchange.admission == Admission::kUnknown) return MHD_YES;
  if (exchange.admission == Admission::kDenied || Refuse(exchange, method)) {
    return Serve(exchange, method);
  }
  return MHD_YES;
}

Admission Answering::Judge(Exchange& exchange) const {
  exchange.login = ReadLogin(exchange.connection);
  const Admission admission = options_.door.judge(exchange.login);
  // Nobody sends a body while it is not known who he is.
  return admission == Admission::kUnknown && HasBody(exchange.connection)
             ? Admission::kDenied
             : admission;
}

MHD_Result Answering::Verify(Exchange& exchange) {
  if (stopping_) return MHD_NO;
  const auto of_client = std::count_if(
      logins_.begin(), logins_.end(),
      [&](const Exchange* other) { return other->client == exchange.client; });
  if (logins_.size() >= kMaxLogins || of_client >= kMaxLoginsPerClient) {
    return Reply(exchange, ErrorPage(MHD_HTTP_SERVICE_UNAVAILABLE,
                                     "Too many logins, try again later."));
  }
  const auto verify = [this, &exchange] {
    exchange.admission = options_.door.verify(*exchange.login)
                             ? Admission::kGranted
                             : Admission::kDenied;
  };
  const auto finish = [this, &exchange] {
    std::erase(logins_, &exchange);
    Finish(exchange, Exchange::Stage::kArrived);
  };
  logins_.reserve(logins_.size() + 1);
  Begin(exchange, {.work = verify, .finish = finish});
  logins_.push_back(&exchange);
  return MHD_YES;
}

MHD_Result Answering::Serve(Exchange& exchange, std::string_view method) {
  if (exchange.admission == Admission::kDenied) {
    return Reply(exchange, Unauthorized());
  }
  if (auto refusal = Refuse(exchange, method)) {
    return Reply(exchange, std::move(*refusal));
  }
  if (const auto* page = std::get_if<Response>(exchange.route.get())) {
    return Reply(exchange, *page);
  }
  return Handle(exchange);
}

MHD_Result Answering::Handle(Exchange& exchange) {
  if (stopping_) return MHD_NO;
  if (options_.max_requests > 0 && handlers_running_ >= options_.max_requests) {
    return Reply(exchange, ErrorPage(MHD_HTTP_SERVICE_UNAVAILABLE,
                                     "Limit of concurrent requests reached (" +
                                         std::to_string(options_.max_requests) +
                                         "), try again later."));
  }
  exchange.request = ReadRequest(exchange.connection);
  const auto handle = [this, &exchange] {
    try {
      exchange.response = Call(exchange);
    } catch (const std::exception&) {
      // Not even memory to say so: the connection is closed without an answer.
    }
  };
  const auto finish = [this, &exchange] {
    --handlers_running_;
    Finish(exchange, Exchange::Stage::kHandled);
  };
  Begin(exchange, {.work = handle, .finish = finish});
  ++handlers_running_;
  return MHD_YES;
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
  return ErrorPage(MHD_HTTP_INTERNAL_SERVER_ERROR, line);
}

MHD_Result Answering::Reply(Exchange& exchange, Response response) const {
  const int status = response.status;
  Headers more = options_.door.headers();
  std::move(more.begin(), more.end(), std::back_inserter(response.headers));
  const MHD_Result queued = Send(exchange, std::move(response));
  if (queued == MHD_YES) {
    connections_.Leave(*exchange.kept);
    options_.on_answer(status);
  }
  return queued;
}

void Answering::Begin(Exchange& exchange, Crew::Job job) {
  add_job_(std::move(job));
  exchange.stage = Exchange::Stage::kRunning;
  exchange.suspended = false;
  connections_.Work(*exchange.kept);
}

}  // namespace jemalloc_exporter
