#include "web/http_server.h"

#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include "web/answering.h"
#include "web/connections.h"
#include "web/crew.h"
#include "web/exchange.h"
#include "web/io_events.h"

namespace jemalloc_exporter {
namespace {

// Holds the head of a request and the head of its answer, not the body.
constexpr std::size_t kConnectionMemory = 16'384;
// An answer that fits the socket's buffer is out after two.
constexpr int kLastTurns = 4;
// Connections that MHD has yet to close after they were cut off.
constexpr unsigned kClosing = 256;

// Never called: a session that is not secured is closed instead.
gnutls_certificate_retrieve_function2 NoCertificate;
int NoCertificate(gnutls_session_t, const gnutls_datum_t*, int,
                  const gnutls_pk_algorithm_t*, int, gnutls_pcert_st**,
                  unsigned*, gnutls_privkey_t*) {
  return -1;
}

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

  void Add(std::string path, Route route) {
    answering_.Add(std::move(path), std::move(route));
  }
  void Start(std::vector<FileDescriptor> listeners);

  bool IsOfThisProcess() const { return getpid() == pid_; }
  void CloseListeners() {
    if (events_) events_->CloseListeners();
  }

 private:
  static void OnConnection(void* self, MHD_Connection* connection,
                           void** context, MHD_ConnectionNotificationCode what);
  static void* OnTarget(void* self, const char* target, MHD_Connection*);
  static MHD_Result OnRequest(void* self, MHD_Connection* connection,
                              const char* path, const char* method,
                              const char* version, const char* body,
                              std::size_t* body_size, void** context);
  static void OnCompleted(void* self, MHD_Connection*, void** context,
                          MHD_RequestTerminationCode);
  static void OnLog(void* self, const char* format, std::va_list arguments);

  Connections::Connection* Admit(MHD_Connection* connection);
  bool Watch();

  const HttpServerOptions options_;
  const pid_t pid_ = getpid();

  // Of the thread on watch, which makes all calls to MHD: none needs a lock.
  Connections connections_{options_.connections};
  Answering answering_{options_, connections_,
                       [this](Crew::Job job) { crew_->Add(std::move(job)); }};
  std::unique_ptr<MHD_Daemon, DaemonStop> daemon_;
  std::optional<IoEvents> events_;

  std::atomic<bool> stopping_{false};
  std::optional<Crew> crew_;
};

HttpServer::Impl::~Impl() {
  stopping_ = true;
  if (events_) events_->Wake();
}

void HttpServer::Impl::Start(std::vector<FileDescriptor> listeners) {
  const unsigned limit = connections_.limit() + kClosing;
  const unsigned tls = options_.door.secure ? MHD_USE_TLS : MHD_NO_FLAG;
  const MHD_OptionItem tls_options[] = {
      {tls != 0 ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0,
       reinterpret_cast<void*>(&NoCertificate)},
      {MHD_OPTION_END, 0, nullptr}};
  daemon_.reset(MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
          MHD_USE_ERROR_LOG | tls,
      0, nullptr, nullptr, &OnRequest, this,  //
      MHD_OPTION_EXTERNAL_LOGGER, &OnLog, this, MHD_OPTION_URI_LOG_CALLBACK,
      &OnTarget, this, MHD_OPTION_NOTIFY_COMPLETED, &OnCompleted, this,
      MHD_OPTION_NOTIFY_CONNECTION, &OnConnection, this,
      MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      kConnectionMemory, MHD_OPTION_ARRAY, tls_options, MHD_OPTION_END));
  if (!daemon_) throw std::system_error(errno, std::generic_category());
  events_.emplace(daemon_.get(), connections_, std::move(listeners),
                  options_.on_problem);
  crew_.emplace(Crew::Duties{.watch = [this] { return Watch(); },
                             .wake = [this] { events_->Wake(); },
                             .on_problem = options_.on_problem});
  crew_->Begin();
}

bool HttpServer::Impl::Watch() {
  // Before the question whether to wait: it may have been all there was to do.
  if (crew_->FinishJobs()) {
    MHD_run(daemon_.get());
    return true;
  }
  if (stopping_) {
    answering_.Stop();
    events_->CloseListeners();
    if (!answering_.working()) {
      for (int turn = 0; turn < kLastTurns; ++turn) MHD_run(daemon_.get());
      return false;
    }
  }
  events_->Wait();
  MHD_run(daemon_.get());
  return true;
}

void HttpServer::Impl::OnConnection(void* self, MHD_Connection* connection,
                                    void** context,
                                    MHD_ConnectionNotificationCode what) {
  auto& server = *static_cast<Impl*>(self);
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    *context = server.Admit(connection);
  } else if (*context != nullptr) {
    server.connections_.Remove(
        *static_cast<Connections::Connection*>(*context));
  }
}

// Returns null, and has it closed, where there is no memory for it.
Connections::Connection* HttpServer::Impl::Admit(MHD_Connection* connection) {
  const auto info = [&](MHD_ConnectionInfoType type) {
    return MHD_get_connection_info(connection, type);
  };
  const int socket = info(MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  const sockaddr* const client =
      info(MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
  try {
    std::shared_ptr<const void> security;
    if (options_.door.secure) {
      security = options_.door.secure(
          info(MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
    }
    auto& kept = connections_.Add(socket, client);
    kept.security = std::move(security);
    return &kept;
  } catch (const std::exception&) {
    shutdown(socket, SHUT_RDWR);
    return nullptr;
  }
}

void* HttpServer::Impl::OnTarget(void*, const char* target,
                                 MHD_Connection* connection) try {
  auto* const kept = static_cast<Connections::Connection*>(
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
          ->socket_context);
  return kept == nullptr ? nullptr : new Exchange(connection, kept, target);
} catch (const std::exception&) {
  return nullptr;
}

MHD_Result HttpServer::Impl::OnRequest(void* self, MHD_Connection*, const char*,
                                       const char* method, const char* version,
                                       const char*, std::size_t*,
                                       void** context) try {
  auto* const exchange = static_cast<Exchange*>(*context);
  if (exchange == nullptr) return MHD_NO;
  return static_cast<Impl*>(self)->answering_.Answer(*exchange, method,
                                                     version);
} catch (const std::exception&) {
  return MHD_NO;  // Closes the connection.
}

void HttpServer::Impl::OnCompleted(void* self, MHD_Connection*, void** context,
                                   MHD_RequestTerminationCode) {
  auto* const exchange = static_cast<Exchange*>(*context);
  if (exchange == nullptr) return;
  static_cast<Impl*>(self)->connections_.Await(*exchange->kept);
  exchange->connection = nullptr;
  exchange->kept = nullptr;
  // A thread that still works on it needs it until the job is finished.
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
