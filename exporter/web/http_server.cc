#include "web/http_server.h"

#include <unistd.h>

#include <atomic>
#include <exception>
#include <optional>
#include <utility>

#include "web/answering.h"
#include "web/crew.h"
#include "web/http_loop.h"

namespace jemalloc_exporter {

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

  void Add(std::string path, Route route) {
    answering_.Add(std::move(path), std::move(route));
  }
  void Start(std::vector<FileDescriptor> listeners);

  bool IsOfThisProcess() const { return getpid() == pid_; }
  void CloseListeners() {
    if (loop_) loop_->CloseListeners();
  }

 private:
  bool Watch();

  const HttpServerOptions options_;
  const pid_t pid_ = getpid();
  Answering answering_{
      options_, [this](Crew::Job job) { crew_->Add(std::move(job)); },
      [this](const Exchange& exchange) { loop_->OnAnswered(exchange); }};
  std::optional<HttpLoop> loop_;
  std::atomic<bool> stopping_{false};
  std::optional<Crew> crew_;
};

HttpServer::Impl::~Impl() {
  stopping_ = true;
  if (loop_) loop_->Wake();
}

void HttpServer::Impl::Start(std::vector<FileDescriptor> listeners) {
  loop_.emplace(options_, answering_, std::move(listeners));
  crew_.emplace(Crew::Duties{.watch = [this] { return Watch(); },
                             .wake = [this] { loop_->Wake(); },
                             .on_problem = options_.on_problem,
                             .max_slow = Answering::MaxSlowJobs(options_)});
  crew_->Begin();
}

bool HttpServer::Impl::Watch() {
  // Before the question whether to wait: it may have been all there was to do.
  if (crew_->FinishJobs()) return true;
  if (stopping_) {
    loop_->Stop();
    if (!answering_.working()) return false;
  }
  loop_->Turn();
  return true;
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
