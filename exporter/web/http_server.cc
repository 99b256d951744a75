#include "web/http_server.h"

#include <microhttpd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <variant>

#include "web/crew.h"
#include "web/exchange.h"
#include "web/io_events.h"

namespace jemalloc_exporter {
namespace {

constexpr unsigned kTimeoutSeconds = 5;
// Holds the head of a request and the head of its answer, not the body.
constexpr std::size_t kConnectionMemory = 16'384;
// An answer that fits the socket's buffer is out after two.
constexpr int kLastTurns = 4;

struct DaemonStop {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};

}  // namespace

Response ErrorPage(int status, std::string_view text) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .body = std::string(text) + "\n",
          .headers = {{"X-Content-Type-Options", "nosniff"}}};
}

class HttpServer::Impl {
 public:
  explicit Impl(HttpServerOptions options) : options_(std::move(options)) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Add(std::string path, Route route);
  void Start(std::vector<FileDescriptor> listeners);

  bool IsOfThisProcess() const { return getpid() == pid_; }
  void CloseListeners() {
    if (events_) events_->CloseListeners();
  }

 private:
  static void* OnTarget(void* self, const char* target, MHD_Connection*);
  static MHD_Result OnRequest(void* self, MHD_Connection* connection,
                              const char* path, const char* method,
                              const char* version, const char* body,
                              std::size_t* body_size, void** context);
  static void OnCompleted(void* self, MHD_Connection*, void** context,
                          MHD_RequestTerminationCode);
  static void OnLog(void* self, const char* format, std::va_list arguments);

  bool Watch();

  MHD_Result Answer(Exchange& exchange, const char* method,
                    const char* version);
  std::shared_ptr<const Route> Find(const std::string& path);
  MHD_Result Reply(Exchange& exchange, Response response) const;
  MHD_Result Dispatch(Exchange& exchange);
  void Finish(Exchange& exchange);
  void Handle(Exchange& exchange) const;
  Response Call(const Exchange& exchange) const;

  const HttpServerOptions options_;
  const pid_t pid_ = getpid();

  std::mutex routes_mutex_;
  std::map<std::string, std::shared_ptr<const Route>> routes_;

  // Of the thread on watch, which makes all calls to MHD: none needs a lock.
  std::unique_ptr<MHD_Daemon, DaemonStop> daemon_;
  std::optional<IoEvents> events_;
  unsigned handlers_running_ = 0;

  std::atomic<bool> stopping_{false};
  std::optional<Crew> crew_;
};

HttpServer::Impl::~Impl() {
  stopping_ = true;
  if (events_) events_->Wake();
}

void HttpServer::Impl::Add(std::string path, Route route) {
  auto shared = std::make_shared<const Route>(std::move(route));
  const std::lock_guard lock(routes_mutex_);
  routes_[std::move(path)] = std::move(shared);
}

std::shared_ptr<const Route> HttpServer::Impl::Find(const std::string& path) {
  const std::lock_guard lock(routes_mutex_);
  const auto found = routes_.find(path);
  return found == routes_.end() ? nullptr : found->second;
}

void HttpServer::Impl::Start(std::vector<FileDescriptor> listeners) {
  daemon_.reset(MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
          MHD_USE_ERROR_LOG,
      0, nullptr, nullptr, &OnRequest, this,  //
      MHD_OPTION_EXTERNAL_LOGGER, &OnLog, this, MHD_OPTION_URI_LOG_CALLBACK,
      &OnTarget, this, MHD_OPTION_NOTIFY_COMPLETED, &OnCompleted, this,
      MHD_OPTION_CONNECTION_LIMIT, ConnectionLimit(),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,
      MHD_OPTION_CONNECTION_TIMEOUT, kTimeoutSeconds, MHD_OPTION_END));
  if (!daemon_) throw std::system_error(errno, std::generic_category());
  events_.emplace(daemon_.get(), std::move(listeners), options_.on_problem);
  crew_.emplace(Crew::Duties{.watch = [this] { return Watch(); },
                             .wake = [this] { events_->Wake(); },
                             .on_problem = options_.on_problem});
  crew_->Begin();
}

bool HttpServer::Impl::Watch() {
  if (stopping_) {
    events_->CloseListeners();
    if (handlers_running_ == 0) {
      for (int turn = 0; turn < kLastTurns; ++turn) MHD_run(daemon_.get());
      return false;
    }
  }
  if (crew_->FinishJobs()) MHD_run(daemon_.get());
  events_->Wait();
  MHD_run(daemon_.get());
  return true;
}

void* HttpServer::Impl::OnTarget(void*, const char* target,
                                 MHD_Connection* connection) try {
  return new Exchange(connection, target);
} catch (const std::exception&) {
  return nullptr;
}

MHD_Result HttpServer::Impl::OnRequest(void* self, MHD_Connection*, const char*,
                                       const char* method, const char* version,
                                       const char*, std::size_t*,
                                       void** context) try {
  auto* const exchange = static_cast<Exchange*>(*context);
  if (exchange == nullptr) return MHD_NO;
  return static_cast<Impl*>(self)->Answer(*exchange, method, version);
} catch (const std::exception&) {
  return MHD_NO;  // Closes the connection.
}

void HttpServer::Impl::OnCompleted(void*, MHD_Connection*, void** context,
                                   MHD_RequestTerminationCode) {
  auto* const exchange = static_cast<Exchange*>(*context);
  if (exchange == nullptr) return;
  exchange->connection = nullptr;
  // A handler that still works on it needs it until `Finish`.
  if (exchange->stage != Exchange::Stage::kRunning) delete exchange;
}

void HttpServer::Impl::OnLog(void* self, const char* format,
                             std::va_list arguments) try {
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string_view text(line.data());
  if (text.ends_with('\n')) text.remove_suffix(1);
  static_cast<Impl*>(self)->options_.on_noise(std::string(text));
} catch (const std::exception&) {
  // MHD is C and cannot be thrown through.
}

// MHD asks when the head of a request has arrived, again at the end of the
// request, and from then on in each run, unless the connection is suspended.
MHD_Result HttpServer::Impl::Answer(Exchange& exchange, const char* method,
                                    const char* version) {
  using Stage = Exchange::Stage;
  switch (exchange.stage) {
    case Stage::kArriving: {
      exchange.stage = Stage::kAccepted;
      exchange.route = Find(exchange.path);
      auto refusal = Refuse(exchange, method, version);
      // An answer this early makes MHD close the connection after it.
      return refusal ? Reply(exchange, std::move(*refusal)) : MHD_YES;
    }
    case Stage::kAccepted:
      if (const auto* page = std::get_if<Response>(exchange.route.get())) {
        return Reply(exchange, *page);
      }
      return Dispatch(exchange);
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

MHD_Result HttpServer::Impl::Reply(Exchange& exchange,
                                   Response response) const {
  const int status = response.status;
  const MHD_Result queued = Send(exchange, std::move(response));
  if (queued == MHD_YES) options_.on_answer(status);
  return queued;
}

MHD_Result HttpServer::Impl::Dispatch(Exchange& exchange) {
  if (stopping_) return MHD_NO;
  if (options_.max_requests > 0 && handlers_running_ >= options_.max_requests) {
    return Reply(exchange, ErrorPage(MHD_HTTP_SERVICE_UNAVAILABLE,
                                     "Limit of concurrent requests reached (" +
                                         std::to_string(options_.max_requests) +
                                         "), try again later."));
  }
  exchange.request = ReadRequest(exchange.connection);
  crew_->Add({.work = [this, &exchange] { Handle(exchange); },
              .finish = [this, &exchange] { Finish(exchange); }});
  exchange.stage = Exchange::Stage::kRunning;
  ++handlers_running_;
  return MHD_YES;
}

void HttpServer::Impl::Finish(Exchange& exchange) {
  --handlers_running_;
  exchange.stage = Exchange::Stage::kHandled;
  if (exchange.connection == nullptr) {
    delete &exchange;
  } else if (exchange.suspended) {
    MHD_resume_connection(exchange.connection);
  }
}

void HttpServer::Impl::Handle(Exchange& exchange) const try {
  exchange.response = Call(exchange);
} catch (const std::exception&) {
  // Not even memory to say so: the connection is closed without an answer.
}

Response HttpServer::Impl::Call(const Exchange& exchange) const {
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

HttpServer::HttpServer(HttpServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

HttpServer::~HttpServer() {
  if (impl_->IsOfThisProcess()) return;
  // The child of a fork has neither the threads nor the right to touch the
  // connections, which are still the parent's.
  impl_.release()->CloseListeners();
}

void HttpServer::AddPage(std::string path, Response page) {
  impl_->Add(std::move(path), std::move(page));
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
